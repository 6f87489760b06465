import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Principal } from '#kernel/access.ts';
import { defined } from '#kernel/defined.ts';
import { createMonitoringWorld, type MonitoringProcess, type MonitoringWorld } from '#test/support/monitoring.ts';

const RULES = '/api/v1/monitoring/alert-rules';

let world: MonitoringWorld;
let here: MonitoringProcess;
beforeAll(async () => {
  world = await createMonitoringWorld();
  here = await world.open();
});
afterAll(() => world.close());

const asAdmin = () => world.actors.ADMIN;
const send = (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, as: Principal, body?: object) =>
  here.app.request({ method, url: `${RULES}${path}`, as, ...defined({ body }) });
const rule = (fields: object = {}) => ({
  name: 'Too hot',
  metric: 'temperature',
  condition: 'gt',
  threshold: 30,
  severity: 'WARNING',
  scope: { all: true },
  ...fields,
});
const owned = (owner: Principal) => here.device({ owner_id: owner.userId });

describe('making a rule', () => {
  test('what is left out has its default, and everything comes back as it was given', async () => {
    const created = await send('POST', '', asAdmin(), rule());
    expect(created.status).toBe(201);
    const body = created.json();
    expect(body).toMatchObject({
      ...rule(),
      for_seconds: 0,
      clear_threshold: null,
      clear_for_seconds: 0,
      cooldown_seconds: 0,
      channels: ['web'],
      is_enabled: true,
      created_by: asAdmin().userId,
    });
    expect((await send('GET', `/${body.id}`, asAdmin())).json()).toEqual(body);

    const device = await here.device();
    const everything = rule({
      condition: 'outside',
      threshold: [10, 30],
      clear_threshold: [12, 28],
      scope: { device_id: device.id },
      severity: 'CRITICAL',
      for_seconds: 600,
      clear_for_seconds: 60,
      cooldown_seconds: 3600,
      channels: ['email', 'webhook'],
      is_enabled: false,
    });
    expect((await send('POST', '', asAdmin(), everything)).json()).toMatchObject(everything);
  });

  test.each<[object, string]>([
    [{ threshold: undefined }, '/threshold'],
    [{ threshold: 'hot' }, '/threshold'],
    [{ threshold: [1, 2] }, '/threshold'],
    [{ condition: 'inside' }, '/threshold'],
    [{ condition: 'inside', threshold: [5, 5] }, '/threshold'],
    [{ condition: 'outside', threshold: [5, 4] }, '/threshold'],
    [{ condition: 'eq', threshold: [4, 5] }, '/threshold'],
    [{ condition: 'eq', threshold: undefined }, '/threshold'],
    [{ condition: 'no_data', for_seconds: 60 }, '/threshold'],
    [{ condition: 'no_data', threshold: undefined }, '/for_seconds'],
    [{ clear_threshold: 31 }, '/clear_threshold'],
    [{ clear_threshold: [1, 2] }, '/clear_threshold'],
    [{ condition: 'lt', clear_threshold: 29 }, '/clear_threshold'],
    [{ condition: 'eq', clear_threshold: 29 }, '/clear_threshold'],
    [{ condition: 'outside', threshold: [10, 20], clear_threshold: 15 }, '/clear_threshold'],
    [{ condition: 'outside', threshold: [10, 20], clear_threshold: [9, 15] }, '/clear_threshold'],
    [{ condition: 'inside', threshold: [10, 20], clear_threshold: [11, 25] }, '/clear_threshold'],
    [{ scope: {} }, '/scope'],
    [{ scope: { all: true, device_type: 'sensor' } }, '/scope'],
    [{ scope: { all: false } }, '/scope/all'],
    [{ scope: { group_id: 2_000_000_000 } }, '/scope/group_id'],
    [{ scope: { room: 1 } }, '/scope/room'],
    [{ name: ' ' }, '/name'],
    [{ name: 'x'.repeat(101) }, '/name'],
    [{ metric: '1st' }, '/metric'],
    [{ condition: 'above' }, '/condition'],
    [{ severity: 'FATAL' }, '/severity'],
    [{ for_seconds: -1 }, '/for_seconds'],
    [{ for_seconds: 0.5 }, '/for_seconds'],
    [{ for_seconds: 30 * 86_400 + 1 }, '/for_seconds'],
    [{ channels: ['sms'] }, '/channels/0'],
    [{ channels: ['web', 'web'] }, '/channels'],
    [{ owner: 1 }, '/owner'],
  ])('%j is refused at %s', async (fields, path) => {
    const answer = await send('POST', '', asAdmin(), rule(fields));
    expect(answer.status, answer.text).toBe(422);
    expect(answer.json().errors).toMatchObject([{ path }]);
  });

  test('a threshold has to be a finite number', async () => {
    const raw = JSON.stringify(rule()).replace('30', '1e999');
    const answer = await here.app.request({ method: 'POST', url: RULES, as: asAdmin(), raw });
    expect(answer.status).toBe(422);
  });

  test('of a device that is not there is refused', async () => {
    const answer = await send('POST', '', asAdmin(), rule({ scope: { device_id: 2_000_000_000 } }));
    expect(answer.json()).toMatchObject({ status: 404, code: 'device_not_found' });
  });
});

describe('a USER', () => {
  test('makes, sees, changes and deletes rules for single devices that it owns, and no others', async () => {
    const { USER, MANAGER } = world.actors;
    const mine = await owned(USER);
    const others = await here.device();
    expect((await send('POST', '', USER, rule())).json()).toMatchObject({ status: 422, code: 'alert_scope_too_wide' });
    const scope = { device_id: others.id };
    expect((await send('POST', '', USER, rule({ scope }))).json()).toMatchObject({ code: 'device_not_found' });
    const { id } = (await send('POST', '', USER, rule({ scope: { device_id: mine.id } }))).json();
    expect((await send('GET', `/${id}`, USER)).status).toBe(200);
    expect((await send('PATCH', `/${id}`, USER, { threshold: 31 })).json()).toMatchObject({ threshold: 31 });
    expect((await send('PATCH', `/${id}`, USER, { scope })).json()).toMatchObject({ code: 'device_not_found' });
    expect((await send('PATCH', `/${id}`, USER, { scope: { all: true } })).status).toBe(422);
    for (const method of ['GET', 'PATCH', 'DELETE'] as const) {
      const body = method === 'PATCH' ? { threshold: 1 } : undefined;
      const answer = await send(method, `/${id}`, world.stranger, body);
      expect(answer.json()).toMatchObject({ status: 404, code: 'alert_rule_not_found' });
    }
    expect((await send('PATCH', `/${id}`, MANAGER, { name: 'Hot' })).status).toBe(200);
    expect((await send('DELETE', `/${id}`, USER)).status).toBe(204);
    expect((await send('GET', `/${id}`, USER)).status).toBe(404);
    const wide = (await send('POST', '', MANAGER, rule())).json();
    expect((await send('GET', `/${wide.id}`, USER)).status).toBe(404);
  });

  test('lists the rules for single devices that it owns, whoever made them', async () => {
    const { USER, MANAGER } = world.actors;
    const [mine, others] = [await owned(USER), await here.device()];
    const ids = [];
    for (const as of [USER, MANAGER]) {
      ids.push((await send('POST', '', as, rule({ scope: { device_id: mine.id } }))).json().id);
    }
    await send('POST', '', MANAGER, rule({ scope: { device_id: others.id } }));
    await send('POST', '', MANAGER, rule({ scope: { all: true } }));
    const list = async (as: Principal, query: string) => (await send('GET', query, as)).json();
    expect(await list(USER, '?sort=-id&size=2')).toMatchObject({ items: ids.toReversed().map((id) => ({ id })) });
    expect(await list(USER, `?device_id=${others.id}`)).toMatchObject({ total: 0, items: [] });
    expect((await list(MANAGER, `?device_id=${others.id}`)).total).toBe(1);
    const nobody = { ...world.stranger, userId: 2_000_000_000 };
    expect(await list(nobody, '')).toMatchObject({ total: 0, items: [] });
  });

  test('names itself alone, and no webhook; MANAGEMENT names active users', async () => {
    const { USER, MANAGER } = world.actors;
    const scope = { device_id: (await owned(USER)).id };
    const errorsOf = async (as: Principal, fields: object) =>
      (await send('POST', '', as, rule({ scope, ...fields }))).json().errors;
    expect(await errorsOf(USER, { recipients: [MANAGER.userId] })).toMatchObject([{ path: '/recipients' }]);
    expect(await errorsOf(USER, { channels: ['webhook'] })).toMatchObject([{ path: '/channels' }]);
    expect(await errorsOf(MANAGER, { recipients: [USER.userId, 2_000_000_000] })).toMatchObject([
      { path: '/recipients', message: expect.stringContaining('2000000000') },
    ]);
    for (const [as, recipients] of [
      [USER, [USER.userId]],
      [MANAGER, [USER.userId, MANAGER.userId]],
      [MANAGER, null],
    ] as const) {
      expect((await send('POST', '', as, rule({ scope, recipients }))).json()).toMatchObject({ recipients });
    }
  });

  test('loses the rule with the device', async () => {
    const { USER } = world.actors;
    const mine = await owned(USER);
    const { id } = (await send('POST', '', USER, rule({ scope: { device_id: mine.id } }))).json();
    const body = { owner_id: world.stranger.userId };
    await here.app.request({ method: 'PATCH', url: `/api/v1/devices/${mine.id}`, as: asAdmin(), body });
    expect((await send('GET', `/${id}`, USER)).status).toBe(404);
    expect((await send('GET', `/${id}`, world.stranger)).status).toBe(200);
  });

  test('sees every device with USER_DEVICE_SCOPE=all, and makes rules for its own alone', async () => {
    const open = await world.open({ userDeviceScope: 'all' });
    const others = await here.device();
    const body = rule({ scope: { device_id: others.id } });
    const answer = await open.app.request({ method: 'POST', url: RULES, as: world.stranger, body });
    expect(answer.json()).toMatchObject({ status: 403, code: 'alert_scope_forbidden' });
  });

  test('has 50 rules at the most', async () => {
    const mine = await owned(world.stranger);
    const body = rule({ scope: { device_id: mine.id } });
    const statuses: number[] = [];
    for (let made = 0; made <= 50; made += 1) statuses.push((await send('POST', '', world.stranger, body)).status);
    expect(statuses).toEqual([...Array(50).fill(201), 422]);
    expect((await send('POST', '', world.stranger, body)).json()).toMatchObject({ code: 'alert_rule_limit' });
    expect((await send('POST', '', asAdmin(), body)).status).toBe(201);
  });
});

describe('changing and deleting', () => {
  test('the parts have to fit together afterwards, too', async () => {
    const { id } = (await send('POST', '', asAdmin(), rule({ clear_threshold: 28 }))).json();
    const answer = await send('PATCH', `/${id}`, asAdmin(), { threshold: 20 });
    expect(answer.json()).toMatchObject({ status: 422, errors: [{ path: '/clear_threshold' }] });
    const inside = { condition: 'inside', threshold: [1, 2], clear_threshold: null };
    expect((await send('PATCH', `/${id}`, asAdmin(), inside)).json()).toMatchObject(inside);
  });

  test('everything that was done is in the audit trail', async () => {
    const { id } = (await send('POST', '', asAdmin(), rule())).json();
    await send('PATCH', `/${id}`, world.actors.MANAGER, { threshold: 35, severity: 'INFO' });
    await send('PATCH', `/${id}`, world.actors.MANAGER, { threshold: 35 });
    await send('DELETE', `/${id}`, asAdmin());
    const rows = await world.sql
      .db<{ audit_logs: { id: number; action: string; user_id: number; resource_id: string; details: string } }>()
      .selectFrom('audit_logs')
      .selectAll()
      .where('resource_id', '=', String(id))
      .where('action', 'like', 'alert_rule.%')
      .orderBy('id')
      .execute();
    expect(rows.map(({ action, user_id }) => [action, user_id])).toEqual([
      ['alert_rule.created', asAdmin().userId],
      ['alert_rule.updated', world.actors.MANAGER.userId],
      ['alert_rule.deleted', asAdmin().userId],
    ]);
    expect(JSON.parse(rows[1]?.details ?? '')).toEqual({
      changes: { threshold: { from: 30, to: 35 }, severity: { from: 'WARNING', to: 'INFO' } },
    });
  });
});

describe('the list', () => {
  test('filters, searches, sorts and pages', async () => {
    const device = await here.device();
    const scope = { device_id: device.id };
    for (const [name, severity] of [
      ['Alpha', 'INFO'],
      ['beta 100%', 'CRITICAL'],
      ['gamma', 'CRITICAL'],
    ] as const) {
      await send(
        'POST',
        '',
        asAdmin(),
        rule({ name, severity, scope, metric: 'pressure', is_enabled: name !== 'gamma' }),
      );
    }
    const names = async (query: Record<string, string | number | boolean>) => {
      const answer = await here.app.request({ url: RULES, as: asAdmin(), query: { metric: 'pressure', ...query } });
      return answer.json().items.map((item: { name: string }) => item.name);
    };
    expect(await names({ sort: 'name' })).toEqual(['Alpha', 'beta 100%', 'gamma']);
    expect(await names({ sort: '-name' })).toEqual(['gamma', 'beta 100%', 'Alpha']);
    expect(await names({ severity: 'CRITICAL', is_enabled: true })).toEqual(['beta 100%']);
    expect(await names({ q: '0%' })).toEqual(['beta 100%']);
    expect(await names({ q: 'ALPHA' })).toEqual(['Alpha']);
    expect(await names({ device_id: device.id, sort: 'name', size: 2, page: 2 })).toEqual(['gamma']);
    expect(await names({ condition: 'lt' })).toEqual([]);
    const bad = await here.app.request({ url: RULES, as: asAdmin(), query: { sort: 'threshold' } });
    expect(bad.json()).toMatchObject({ status: 422, code: 'invalid_sort' });
  });
});
