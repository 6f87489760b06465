import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Principal } from '#kernel/access.ts';
import { auditedOn } from '#test/support/audit.ts';
import { createMonitoringWorld, hot, type MonitoringProcess, type MonitoringWorld } from '#test/support/monitoring.ts';

let world: MonitoringWorld;
let here: MonitoringProcess;
/** Of a device of USER, and of one without an owner. */
let owned: number;
let other: number;
beforeAll(async () => {
  world = await createMonitoringWorld();
  here = await world.open();
  for (const owner_id of [world.actors.USER.userId, null]) {
    const device = await here.device({ owner_id });
    await here.rule(hot(device, { severity: 'WARNING' }));
    await here.send(device.id, [world.clock.now(), { temperature: 31 }]);
    await here.judge();
  }
  [owned, other] = (await here.alerts()).map(({ id }) => id) as [number, number];
});
afterAll(() => world.close());

const address = (id: number) => `/api/v1/monitoring/alerts/${id}`;
const assign = (id: number, assigned_to: unknown, as: Principal) =>
  here.app.request({ method: 'PATCH', url: address(id), as, body: { assigned_to } });
const say = (id: number, text: unknown, as: Principal) =>
  here.app.request({ method: 'POST', url: `${address(id)}/comments`, as, body: { text } });
const said = async (id: number, as: Principal, query = {}) =>
  (await here.app.request({ url: `${address(id)}/comments`, as, query })).json();
const get = async (id: number, as: Principal) => here.app.request({ url: address(id), as });

describe('one alert', () => {
  test('is there for MANAGEMENT and the owner of its device', async () => {
    const { USER, MANAGER } = world.actors;
    expect((await get(owned, USER)).json()).toMatchObject({ id: owned, assigned_to: null, comment_count: 0 });
    expect((await get(other, MANAGER)).status).toBe(200);
    expect((await get(other, USER)).json()).toMatchObject({ status: 404, code: 'alert_not_found' });
    expect((await get(2_000_000_000, MANAGER)).status).toBe(404);
  });
});

describe('who takes care of an alert', () => {
  test('is told live, counted as a change once, and found by the list', async () => {
    const { MANAGER, ADMIN } = world.actors;
    const assigned = (await assign(owned, ADMIN.userId, MANAGER)).json();
    expect(assigned).toMatchObject({ id: owned, assigned_to: ADMIN.userId });
    expect(here.told.at(-1)).toEqual([assigned.device_uid, assigned]);
    const told = here.told.length;
    expect((await assign(owned, ADMIN.userId, MANAGER)).json()).toEqual(assigned);
    expect(here.told).toHaveLength(told);
    expect((await here.alerts({ assigned_to: ADMIN.userId })).map(({ id }) => id)).toEqual([owned]);
    expect((await assign(owned, null, ADMIN)).json()).toMatchObject({ assigned_to: null });
    expect(await here.alerts({ assigned_to: ADMIN.userId })).toEqual([]);
  });

  test('is MANAGEMENT or the owner of the device; a USER names itself only', async () => {
    const { USER, MANAGER } = world.actors;
    expect((await assign(owned, USER.userId, MANAGER)).status).toBe(200);
    for (const [id, assignee, by] of [
      [other, USER.userId, MANAGER],
      [owned, world.stranger.userId, MANAGER],
      [owned, 2_000_000_000, MANAGER],
      [owned, MANAGER.userId, USER],
    ] as const) {
      const answer = await assign(id, assignee, by);
      expect(answer.json()).toMatchObject({ status: 422, code: 'alert_assignee_unknown' });
      expect(answer.json().errors[0].path).toBe('/assigned_to');
    }
    expect((await assign(owned, USER.userId, USER)).status).toBe(200);
    expect((await assign(other, USER.userId, USER)).status).toBe(404);
    expect((await assign(owned, world.stranger.userId, world.stranger)).status).toBe(404);
    expect((await assign(owned, 'me', MANAGER)).status).toBe(422);
  });
});

describe('who takes care of an alert and then may not any more', () => {
  const assignee = async (id: number) => (await get(id, world.actors.ADMIN)).json().assigned_to;
  let people = 0;
  async function person(role: 'USER' | 'MANAGER'): Promise<Principal> {
    people += 1;
    const body = { email: `carer${people}@example.com`, password: 'correct horse', role };
    const made = await here.app.request({ method: 'POST', url: '/api/v1/users', as: world.actors.SUPERADMIN, body });
    return { userId: made.json().id, role };
  }
  const change = ({ userId }: Principal, method: 'PATCH' | 'DELETE', body?: object) =>
    here.app.request({
      method,
      url: `/api/v1/users/${userId}`,
      as: world.actors.SUPERADMIN,
      ...(body === undefined ? {} : { body }),
    });

  test.each([
    ['is deleted', 'DELETE', undefined],
    ['is deactivated', 'PATCH', { is_active: false }],
    ['is a USER from now on', 'PATCH', { role: 'USER' }],
  ] as const)('because it %s: nobody does then, and those who watch are told', async (_what, method, body) => {
    const carer = await person('MANAGER');
    await assign(other, carer.userId, world.actors.ADMIN);
    const told = here.told.length;
    expect((await change(carer, method, body)).status).toBeLessThan(300);
    await expect.poll(() => assignee(other)).toBe(null);
    expect(here.told).toHaveLength(told + 1);
    expect(here.told.at(-1)?.[1]).toMatchObject({ id: other, assigned_to: null });
    const last = (await auditedOn(world.sql)).findLast(({ action }) => action === 'alert.assigned');
    expect(last).toMatchObject({ userId: null, resourceId: String(other), details: { assigned_to: null } });
  });

  test('keeps what it still may deal with, and what is done with', async () => {
    const carer = await person('MANAGER');
    const [mine, done, foreign] = await Promise.all(
      [carer.userId, null, null].map(async (owner_id, index) => {
        const device = await here.device({ owner_id, device_type: `of-carer-${index}` });
        await here.rule(hot(device));
        await here.send(device.id, [world.clock.now(), { temperature: 31 }]);
        await here.judge();
        const [alert] = await here.alerts({ device_id: device.id });
        await assign(alert.id, carer.userId, world.actors.ADMIN);
        return alert.id as number;
      }),
    );
    await here.app.request({ method: 'POST', url: `${address(done ?? 0)}/acknowledge`, as: world.actors.ADMIN });
    await change(carer, 'PATCH', { role: 'USER' });
    await expect.poll(() => assignee(foreign ?? 0)).toBe(null);
    expect(await assignee(mine ?? 0)).toBe(carer.userId);
    expect(await assignee(done ?? 0)).toBe(carer.userId);
  });
});

describe('what is said about an alert', () => {
  test('is listed with its authors, oldest first, and counted', async () => {
    const { USER, ADMIN } = world.actors;
    const first = (await say(owned, 'It is hot.\nReally.', USER)).json();
    expect(first).toMatchObject({ alert_id: owned, author_id: USER.userId, author_name: null });
    const second = (await say(owned, '<script>alert(1)</script>', ADMIN)).json();
    expect(await said(owned, USER)).toMatchObject({ items: [first, second], total: 2 });
    expect(await said(owned, USER, { size: 1, page: 2 })).toMatchObject({ items: [second], pages: 2 });
    expect(here.told.at(-1)?.[1]).toMatchObject({ id: owned, comment_count: 2 });
    expect(await said(other, ADMIN)).toMatchObject({ total: 0 });
  });

  test('is for whoever may acknowledge it', async () => {
    const { USER } = world.actors;
    expect((await say(other, 'Mine?', USER)).status).toBe(404);
    expect(await said(other, USER)).toMatchObject({ status: 404 });
    const open = await world.open({ userDeviceScope: 'all' });
    const url = `${address(other)}/comments`;
    expect((await open.app.request({ url, as: world.stranger })).status).toBe(404);
  });

  test.each(['', '  \n ', 'x'.repeat(2_001), 'a\u0000b', 5])('%j is refused', async (text) => {
    expect((await say(owned, text, world.actors.ADMIN)).status).toBe(422);
  });

  test('is 200 comments at the most, also at the same time', async () => {
    const { ADMIN } = world.actors;
    await Promise.all(Array.from({ length: 198 }, () => say(other, 'x'.repeat(2_000), ADMIN)));
    const last = await Promise.all([say(other, 'a', ADMIN), say(other, 'b', ADMIN), say(other, 'c', ADMIN)]);
    expect(last.map(({ status }) => status).sort()).toEqual([201, 201, 422]);
    expect(last.find(({ status }) => status === 422)?.json()).toMatchObject({ code: 'alert_comment_limit' });
    expect(await said(other, ADMIN, { size: 100, page: 2 })).toMatchObject({ total: 200, pages: 2 });
    expect((await get(other, ADMIN)).json()).toMatchObject({ comment_count: 200 });
  });

  test('goes with the alert', async () => {
    const { ADMIN } = world.actors;
    const { device_id } = (await get(other, ADMIN)).json();
    await here.send(device_id, [world.clock.now() + 60_000, { temperature: 20 }]);
    await here.judge();
    const [retention] = here.monitoring.retention;
    expect(await retention?.removeOlderThan(world.clock.now() + 86_400_000, 10)).toBe(1);
    expect((await get(other, ADMIN)).status).toBe(404);
    const rows = await world.sql
      .db<{ alert_comments: { alert_id: number } }>()
      .selectFrom('alert_comments')
      .selectAll()
      .execute();
    expect(new Set(rows.map(({ alert_id }) => alert_id))).toEqual(new Set([owned]));
  });
});
