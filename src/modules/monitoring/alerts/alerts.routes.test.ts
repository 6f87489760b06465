import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Principal } from '#kernel/access.ts';
import {
  createMonitoringWorld,
  hot,
  iso,
  type MonitoringProcess,
  type MonitoringWorld,
} from '#test/support/monitoring.ts';

const ALERTS = '/api/v1/monitoring/alerts';

let world: MonitoringWorld;
let here: MonitoringProcess;
/** Of three devices: raised at second 1, 2 and 3; the second one is over. */
let ids: number[];
let start: number;
beforeAll(async () => {
  world = await createMonitoringWorld();
  here = await world.open();
  start = world.clock.now();
  const devices = [];
  for (const [index, severity] of ['CRITICAL', 'INFO', 'WARNING'].entries()) {
    const device = await here.device({ owner_id: index === 0 ? world.actors.USER.userId : null });
    devices.push(device);
    await here.rule(hot(device, { severity }));
    await here.send(device.id, [start + (index + 1) * 1_000, { temperature: 31 }]);
    if (index === 1) await here.send(device.id, [start + 5_000, { temperature: 20 }]);
    await here.judge();
  }
  ids = (await here.alerts()).map(({ id }) => id);
});
afterAll(() => world.close());

const acknowledge = (id: number | undefined, as: Principal) =>
  here.app.request({ method: 'POST', url: `${ALERTS}/${id}/acknowledge`, as });
const list = async (query: Readonly<Record<string, string | number | boolean>>) => {
  const answer = await here.app.request({ url: ALERTS, as: world.actors.MANAGER, query });
  expect(answer.status, answer.text).toBe(200);
  return answer.json().items.map(({ id }: { id: number }) => ids.indexOf(id));
};

describe('the list', () => {
  test('shows what nobody has acknowledged, newest first', async () => {
    expect(await list({})).toEqual([2, 1, 0]);
  });

  test.each<[Readonly<Record<string, string | number>>, number[]]>([
    [{ status: 'ACTIVE' }, [2, 0]],
    [{ status: 'CLEARED' }, [1]],
    [{ severity: 'INFO' }, [1]],
    [{ severity: 'INFO,CRITICAL' }, [1, 0]],
    [{ status: 'ACTIVE,CLEARED', severity: 'WARNING,INFO' }, [2, 1]],
    [{ sort: '-severity' }, [0, 2, 1]],
    [{ sort: 'started_at', size: 2 }, [0, 1]],
    [{ sort: 'started_at', size: 2, page: 2 }, [2]],
    [{ sort: 'status,id' }, [0, 2, 1]],
    [{ is_acknowledged: 'true' }, []],
  ])('%j', async (query, expected) => {
    expect(await list(query)).toEqual(expected);
  });

  test('filters by device, rule and time', async () => {
    const [first] = await here.alerts();
    expect(await list({ device_id: first.device_id })).toEqual([0]);
    expect(await list({ rule_id: first.rule_id })).toEqual([0]);
    const [, second] = await here.alerts();
    expect(await list({ device_id: `${first.device_id},${second.device_id},99999` })).toEqual([1, 0]);
    expect(await list({ start: iso(start + 2_000), end: iso(start + 3_000) })).toEqual([1]);
  });

  test('looks for text in what people read of an alert', async () => {
    const [first] = await here.alerts();
    expect(await list({ q: first.device_uid.toUpperCase() })).toEqual([0]);
    expect(await list({ q: 'above', severity: 'CRITICAL,WARNING', sort: 'started_at', size: 1, page: 2 })).toEqual([2]);
    expect(await list({ q: '%' })).toEqual([]);
  });

  test.each(['status=GONE', 'sort=value', 'is_acknowledged=maybe', 'start=yesterday', 'size=101', 'q='])(
    '%s is refused',
    async (query) => {
      const answer = await here.app.request({ url: `${ALERTS}?${query}`, as: world.actors.ADMIN });
      expect(answer.status).toBe(422);
    },
  );
});

describe('acknowledging', () => {
  test('is for who sees the device, and stays with the first', async () => {
    const { USER, ADMIN } = world.actors;
    expect((await acknowledge(ids[0], world.stranger)).json()).toMatchObject({ status: 404, code: 'alert_not_found' });
    expect((await acknowledge(ids[2], USER)).status).toBe(404);
    world.clock.advance(1_000);
    const acknowledged = (await acknowledge(ids[0], USER)).json();
    expect(acknowledged).toMatchObject({
      is_acknowledged: true,
      acknowledged_by: USER.userId,
      acknowledged_at: iso(world.clock.now()),
      status: 'ACTIVE',
    });
    world.clock.advance(1_000);
    expect((await acknowledge(ids[0], ADMIN)).json()).toEqual(acknowledged);
    expect(here.events.filter(({ type }) => type === 'alert.acknowledged')).toHaveLength(1);
    expect(here.told.at(-1)).toEqual([acknowledged.device_uid, acknowledged]);
    expect(await list({})).toEqual([2, 1]);
    expect(await list({ is_acknowledged: 'true' })).toEqual([0]);
    expect(await list({ is_acknowledged: 'all' })).toEqual([2, 1, 0]);
  });

  test('has nothing to do with clearing', async () => {
    expect((await acknowledge(ids[1], world.actors.ADMIN)).json()).toMatchObject({ status: 'CLEARED' });
    const { device_id } = (await here.alerts()).find(({ id }) => id === ids[0]);
    await here.send(device_id, [start + 9_000, { temperature: 32 }], [start + 10_000, { temperature: 20 }]);
    await here.judge();
    expect((await here.alerts()).find(({ id }) => id === ids[0])).toMatchObject({
      status: 'CLEARED',
      occurrences: 2,
      acknowledged_by: world.actors.USER.userId,
    });
  });

  test('is counted', async () => {
    const gauge = here.monitoring.gauges.find(({ name }) => name === 'core_api_alerts');
    expect(await gauge?.read()).toEqual([
      { labels: { severity: 'WARNING', status: 'ACTIVE', acknowledged: 'false' }, value: 1 },
    ]);
  });
});

describe('a USER', () => {
  test('lists the alerts of the devices that it owns', async () => {
    const { USER } = world.actors;
    const seen = async (as: Principal) => (await here.app.request({ url: `${ALERTS}?is_acknowledged=all`, as })).json();
    expect(await seen(USER)).toMatchObject({ total: 1, items: [{ id: ids[0] }] });
    expect(await seen(world.stranger)).toMatchObject({ total: 0, items: [] });
  });

  test('acknowledges nothing of others that it may only see', async () => {
    const open = await world.open({ userDeviceScope: 'all' });
    const url = `${ALERTS}/${ids[2]}/acknowledge`;
    expect((await open.app.request({ method: 'POST', url, as: world.stranger })).status).toBe(404);
  });
});

describe('acknowledging many', () => {
  const post = (body: object, as = world.actors.MANAGER) =>
    here.app.request({ method: 'POST', url: `${ALERTS}/acknowledge`, as, body });

  test('by ids or by a filter, with their number; each once', async () => {
    const device = await here.device();
    const rule = await here.rule(hot(device, { severity: 'INFO' }));
    const since = world.clock.now() + 1;
    // More than one step of them.
    const samples = Array.from(
      { length: 1_202 },
      (_, i) => [since + i, { temperature: i % 2 === 0 ? 31 : 20 }] as const,
    );
    await here.send(device.id, ...samples);
    await here.judge();
    const all = await here.alerts({ rule_id: rule.id });
    const before = here.events.length;
    const some = all.slice(0, 3).map(({ id }) => id);
    expect((await post({ ids: [...some, 2_000_000_000] })).json()).toEqual({ acknowledged: 3 });
    expect((await post({ ids: some })).json()).toEqual({ acknowledged: 0 });
    expect((await post({ ids: [] })).json()).toEqual({ acknowledged: 0 });
    expect((await post({ rule_id: rule.id, severity: 'CRITICAL' })).json()).toEqual({ acknowledged: 0 });
    expect((await post({ rule_id: rule.id, status: 'CLEARED' })).json()).toEqual({ acknowledged: 598 });
    expect(await here.alerts({ rule_id: rule.id, is_acknowledged: 'false' })).toEqual([]);
    expect((await here.alerts({ rule_id: rule.id }))[0]).toMatchObject({
      acknowledged_by: world.actors.MANAGER.userId,
    });
    expect(here.events.length - before).toBe(601);
  });

  test('is for MANAGEMENT', async () => {
    expect((await post({}, world.actors.USER)).status).toBe(403);
    expect((await post({ sort: 'id' })).status).toBe(422);
  });
});

test('alerts that were cleared long ago are removed, in steps; those that are ACTIVE stay', async () => {
  const [retention] = here.monitoring.retention;
  expect(retention).toMatchObject({ name: 'alerts', keptMs: 365 * 86_400_000 });
  const before = world.clock.now() + 86_400_000;
  const all = async () =>
    (await here.app.request({ url: `${ALERTS}?is_acknowledged=all`, as: world.actors.ADMIN })).json();
  const active = (
    await here.app.request({
      ...{ url: `${ALERTS}?is_acknowledged=all&status=ACTIVE`, as: world.actors.ADMIN },
    })
  ).json().total;
  const removable = (await all()).total - active;
  expect(await retention?.removeOlderThan(before, removable - 1)).toBe(removable - 1);
  expect(await retention?.removeOlderThan(before, 10)).toBe(1);
  expect(await retention?.removeOlderThan(before, 10)).toBe(0);
  expect((await all()).total).toBe(active);
});
