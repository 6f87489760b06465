import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withRelationalStore } from '#main/commands/relational.ts';
import type { TestRequest } from '#test/support/http.ts';
import { createPeople, type People } from '#test/support/people.ts';
import { type RunningSystem, startTestSystem } from '#test/support/system.ts';
import { auditAccounts } from './audit.accounts.ts';

/** Every kind of change through the API, and what the trail says about it. */

const PASSWORD = 'correct horse battery';
const SECRET_VALUE = 'a-secret-that-nobody-may-read';

let system: RunningSystem;
let people: People;
/** What no entry may hold: everything secret that any request of this file sent or was answered. */
const secrets = new Set<string>([PASSWORD, SECRET_VALUE]);

interface Entry {
  readonly id: number;
  readonly user_id: number | null;
  readonly user_role: string | null;
  readonly action: string;
  readonly resource_type: string;
  readonly resource_id: string | null;
  readonly details: Readonly<Record<string, unknown>>;
  readonly ip_address: string | null;
  readonly request_id: string | null;
}

beforeAll(async () => {
  system = await startTestSystem();
  people = await createPeople(system);
});
afterAll(() => system.stop());

async function send(request: TestRequest) {
  const response = await system.request(request);
  const body = response.headers['content-type']?.includes('json') ? response.json() : null;
  collectSecrets(body);
  collectSecrets(request.body);
  return { status: response.status, requestId: response.headers['x-request-id'], body };
}

function collectSecrets(value: unknown, name = ''): void {
  if (typeof value === 'string' && /password|token|secret|authorization/.test(name)) secrets.add(value);
  if (typeof value === 'object' && value !== null) {
    for (const [key, child] of Object.entries(value)) collectSecrets(child, key);
  }
}

async function entries(query: Readonly<Record<string, string | number>>): Promise<readonly Entry[]> {
  const url = '/api/v1/system/audit-logs';
  const response = await system.request({ url, query: { size: 100, ...query }, as: people.ADMIN.token() });
  expect(response.status, response.text).toBe(200);
  return response.json().items;
}

/** Sends a request and expects these entries of it, in order. */
async function changes(request: TestRequest, status: number, expected: readonly Partial<Entry>[]) {
  const { body, found } = await changesOf(request, status);
  expect(found).toMatchObject(expected);
  expect(found).toHaveLength(expected.length);
  for (const entry of found) expect(entry.ip_address).toBe('127.0.0.1');
  return body;
}

async function changesOf(request: TestRequest, status: number) {
  const { status: answered, body, requestId } = await send(request);
  expect(answered, JSON.stringify(body)).toBe(status);
  const found = (await entries({ request_id: requestId ?? '' })).toReversed();
  return { body, found };
}

const by = (role: 'SUPERADMIN' | 'ADMIN') => ({ user_id: people[role].id, user_role: role });

describe('each kind of change is one entry', () => {
  test('users: created, changed, given another role, deleted', async () => {
    const as = people.SUPERADMIN.token();
    const email = 'audited@example.com';
    const body = { email, password: PASSWORD, full_name: 'Kim' };
    const { id } = await changes({ method: 'POST', url: '/api/v1/users', body, as }, 201, [
      { ...by('SUPERADMIN'), action: 'user.created', resource_type: 'user', details: { email, role: 'USER' } },
    ]);
    const url = `/api/v1/users/${id}`;
    await changes({ method: 'PATCH', url, body: { role: 'MANAGER', full_name: 'Kim' }, as }, 200, [
      {
        action: 'user.updated',
        resource_id: String(id),
        details: { changes: { role: { from: 'USER', to: 'MANAGER' } } },
      },
    ]);
    await changes({ method: 'DELETE', url, as }, 204, [
      { action: 'user.deleted', resource_id: String(id), details: { email } },
    ]);
  });

  test('what one does to oneself: profile, password', async () => {
    const person = await people.person('USER');
    const self = { user_id: person.id, user_role: 'USER', resource_id: String(person.id) };
    const profile = { method: 'PATCH', url: '/api/v1/users/me', body: { phone: '1' } } as const;
    await changes({ ...profile, as: person.token() }, 200, [
      { ...self, action: 'user.updated', details: { changes: { phone: { from: null, to: '1' } } } },
    ]);
    const password = { current_password: PASSWORD, new_password: 'another horse battery' };
    await changes({ method: 'POST', url: '/api/v1/users/me/password', body: password, as: person.token() }, 204, [
      { ...self, action: 'user.password_changed', details: {} },
    ]);
  });

  test('sessions, tokens for programs and second factors', () =>
    auditAccounts({ changes, send, people, password: PASSWORD, secrets }));

  test('what changes nothing leaves nothing', async () => {
    const person = await people.person('USER');
    const me = { method: 'PATCH', url: '/api/v1/users/me', as: person.token() } as const;
    await changes({ ...me, body: { full_name: 'Kim' } }, 200, [{ action: 'user.updated' }]);
    await changes({ ...me, body: { full_name: 'Kim' } }, 200, []);
    await changes({ ...me, body: {} }, 200, []);
    const other = { method: 'PATCH', url: `/api/v1/users/${person.id}`, as: people.ADMIN.token() } as const;
    await changes({ ...other, body: { role: 'USER', is_active: true } }, 200, []);
  });

  test('registering and signing in', async () => {
    const email = 'new@example.com';
    const url = '/api/v1/auth/register';
    await changes({ method: 'POST', url, body: { email, password: PASSWORD } }, 201, [
      { user_id: null, user_role: null, action: 'user.created', details: { email } },
      { user_role: 'USER', action: 'auth.login_succeeded', details: { method: 'registration' } },
    ]);
    await changes({ method: 'POST', url: '/api/v1/auth/login', body: { email, password: PASSWORD } }, 200, [
      { user_role: 'USER', action: 'auth.login_succeeded', details: { method: 'password' } },
    ]);
  });

  test('refused sign-ins, whether or not there is such a user', async () => {
    const person = await people.person('USER');
    const login = (email: string, password: string) =>
      ({ method: 'POST', url: '/api/v1/auth/login', body: { email, password } }) as const;
    const refused = (email: string, reason: string) => [
      { user_id: null, action: 'auth.login_failed', details: { email, reason } },
    ];
    await changes(login(person.email, 'wrong horse'), 401, refused(person.email, 'invalid_credentials'));
    await changes(
      login('nobody@example.com', 'wrong horse'),
      401,
      refused('nobody@example.com', 'invalid_credentials'),
    );
    const patch = { method: 'PATCH', url: `/api/v1/users/${person.id}`, body: { is_active: false } } as const;
    await send({ ...patch, as: people.SUPERADMIN.token() });
    await changes(login(person.email, PASSWORD), 403, [
      { action: 'auth.login_failed', resource_id: String(person.id), details: { reason: 'account_inactive' } },
    ]);
  });

  test('a refresh token that is presented again', async () => {
    const email = 'copied@example.com';
    const pair = (await send({ method: 'POST', url: '/api/v1/auth/register', body: { email, password: PASSWORD } }))
      .body;
    const refresh = {
      method: 'POST',
      url: '/api/v1/auth/refresh',
      body: { refresh_token: pair.refresh_token },
    } as const;
    await changes(refresh, 200, []);
    // As a second tab does that comes at the same time.
    const next = await changes(refresh, 200, []);
    const as = next.access_token;
    await changes({ method: 'POST', url: '/api/v1/auth/logout', as }, 204, [{ action: 'user.sessions_ended' }]);
    const ended = { ...refresh, body: { refresh_token: next.refresh_token } };
    const reuse = { user_id: null, action: 'auth.refresh_token_reused', resource_type: 'user' };
    await changes(ended, 401, [reuse]);
    await changes(ended, 401, [reuse]);
  });

  test('devices: registered, changed, given a new secret, disconnected, deleted', async () => {
    const as = people.ADMIN.token();
    const body = { name: 'Sensor', device_type: 'test', device_uid: 'audited-1' };
    const details = { device_uid: 'audited-1', name: 'Sensor', device_type: 'test', group_id: null, owner_id: null };
    const { id } = await changes({ method: 'POST', url: '/api/v1/devices', body, as }, 201, [
      { ...by('ADMIN'), action: 'device.created', resource_type: 'device', details },
    ]);
    const url = `/api/v1/devices/${id}`;
    const on = { ...by('ADMIN'), resource_id: String(id) };
    const change = { name: 'Sensor 7', metadata: { note: SECRET_VALUE }, status: 'MAINTENANCE' };
    const from = { name: { from: 'Sensor', to: 'Sensor 7' }, status: { from: 'OFFLINE', to: 'MAINTENANCE' } };
    await changes({ method: 'PATCH', url, body: change, as }, 200, [
      { ...on, action: 'device.updated', details: { changes: from, metadata_changed: true } },
    ]);
    await changes({ method: 'PATCH', url, body: change, as }, 200, []);
    await changes({ method: 'POST', url: `${url}/credentials`, as }, 200, [
      { ...on, action: 'device.credentials_rotated', details: { device_uid: 'audited-1' } },
    ]);
    await changes({ method: 'POST', url: `${url}/disconnect`, as }, 204, [
      { ...on, action: 'device.disconnected', details: { device_uid: 'audited-1' } },
    ]);
    await changes({ method: 'DELETE', url, as }, 204, [
      { ...on, action: 'device.deleted', details: { name: 'Sensor 7' } },
    ]);
  });

  test('devices that are imported: one for each that was stored', async () => {
    const rows = ['audited-2', 'bad uid', 'audited-3'].map((device_uid) => ({
      name: 'x',
      device_type: 'test',
      device_uid,
    }));
    await changes({ method: 'POST', url: '/api/v1/devices/import', body: rows, as: people.ADMIN.token() }, 200, [
      { ...by('ADMIN'), action: 'device.created', details: { device_uid: 'audited-2', imported: true } },
      { ...by('ADMIN'), action: 'device.created', details: { device_uid: 'audited-3', imported: true } },
    ]);
  });

  test('device groups: created, changed, deleted', async () => {
    const as = people.ADMIN.token();
    const body = { name: 'Audited', description: null };
    const { id } = await changes({ method: 'POST', url: '/api/v1/device-groups', body: { name: 'Audited' }, as }, 201, [
      { ...by('ADMIN'), action: 'device_group.created', resource_type: 'device_group', details: body },
    ]);
    const url = `/api/v1/device-groups/${id}`;
    await changes({ method: 'PATCH', url, body: { name: 'Renamed' }, as }, 200, [
      {
        action: 'device_group.updated',
        resource_id: String(id),
        details: { changes: { name: { from: 'Audited', to: 'Renamed' } } },
      },
    ]);
    await changes({ method: 'DELETE', url, as }, 204, [
      { action: 'device_group.deleted', details: { name: 'Renamed' } },
    ]);
  });

  test('configuration: created, changed, deleted', async () => {
    const as = people.SUPERADMIN.token();
    const url = '/api/v1/system/configs/audited.key';
    const on = { ...by('SUPERADMIN'), resource_type: 'system_config', resource_id: 'audited.key' };
    const put = (body: object) => ({ method: 'PUT', url, body, as }) as const;
    await changes(put({ value: SECRET_VALUE }), 200, [
      { ...on, action: 'system_config.created', details: { is_secret: false, description: null } },
    ]);
    await changes(put({ value: SECRET_VALUE, is_secret: true }), 200, [
      {
        ...on,
        action: 'system_config.updated',
        details: { is_secret: true, changes: { is_secret: { from: false, to: true } }, value_changed: true },
      },
    ]);
    // Whether it is the same secret again is told to nobody.
    await changes(put({ value: SECRET_VALUE }), 200, [
      { ...on, action: 'system_config.updated', details: { is_secret: true, changes: {}, value_changed: true } },
    ]);
    await changes({ method: 'DELETE', url, as }, 204, [{ ...on, action: 'system_config.deleted' }]);
  });

  test('configuration that is nobody’s secret: which field, and nothing when it is as it was', async () => {
    const as = people.SUPERADMIN.token();
    const put = (body: object) => ({ method: 'PUT', url: '/api/v1/system/configs/audited.open', body, as }) as const;
    await changes(put({ value: { colour: 'of-the-value' } }), 200, [{ action: 'system_config.created' }]);
    await changes(put({ value: { colour: 'of-the-value' } }), 200, []);
    const [valued] = (await changesOf(put({ value: 'another-of-the-value' }), 200)).found;
    expect(valued).toMatchObject({ action: 'system_config.updated' });
    expect(valued?.details).toEqual({ is_secret: false, changes: {}, value_changed: true });
    const [described] = (await changesOf(put({ value: 'another-of-the-value', description: 'Why' }), 200)).found;
    expect(described?.details).toEqual({ is_secret: false, changes: { description: { from: null, to: 'Why' } } });
    expect(JSON.stringify(await entries({ resource_id: 'audited.open' }))).not.toContain('of-the-value');
  });

  test('devices that are exported', async () => {
    const url = '/api/v1/devices/export';
    for (const format of ['csv', 'json']) {
      await changes({ url, query: { format }, as: people.ADMIN.token() }, 200, [
        { ...by('ADMIN'), action: 'device.exported', resource_type: 'device', resource_id: null, details: { format } },
      ]);
    }
  });

  test('alert rules: created, changed, deleted', async () => {
    const as = people.ADMIN.token();
    const url = '/api/v1/monitoring/alert-rules';
    const rule = {
      name: 'Too hot',
      metric: 't',
      condition: 'gt',
      threshold: 30,
      severity: 'WARNING',
      scope: { all: true },
    };
    const { id } = await changes({ method: 'POST', url, body: rule, as }, 201, [
      { ...by('ADMIN'), action: 'alert_rule.created', resource_type: 'alert_rule', details: { name: 'Too hot' } },
    ]);
    const on = { ...by('ADMIN'), resource_id: String(id) };
    await changes({ method: 'PATCH', url: `${url}/${id}`, body: { threshold: 35 }, as }, 200, [
      { ...on, action: 'alert_rule.updated', details: { changes: { threshold: { from: 30, to: 35 } } } },
    ]);
    await changes({ method: 'DELETE', url: `${url}/${id}`, as }, 204, [{ ...on, action: 'alert_rule.deleted' }]);
  });

  test('alerts: acknowledged, one and several', async () => {
    const as = people.ADMIN.token();
    const url = '/api/v1/monitoring/alerts';
    const device = await people.device();
    const [one, other] = [await people.alert(device), await people.alert(device)];
    const on = { ...by('ADMIN'), action: 'alert.acknowledged', resource_type: 'alert' };
    await changes({ method: 'POST', url: `${url}/${one}/acknowledge`, as }, 200, [
      { ...on, resource_id: String(one), details: { device_id: device.id } },
    ]);
    await changes({ method: 'POST', url: `${url}/${one}/acknowledge`, as }, 200, []);
    const ids = [one, other];
    await changes({ method: 'POST', url: `${url}/acknowledge`, body: { ids }, as }, 200, [
      { ...on, resource_id: null, details: { ids, count: 1 } },
    ]);
    await changes({ method: 'POST', url: `${url}/acknowledge`, body: { ids }, as }, 200, []);
  });

  test('a broadcast, and asking for a new password', async () => {
    const body = { title: 'Maintenance', message: 'Tonight' };
    const url = '/api/v1/notifications/broadcast';
    await changes({ method: 'POST', url, body, as: people.ADMIN.token() }, 202, [
      {
        ...by('ADMIN'),
        action: 'notification.broadcast',
        resource_type: 'notification',
        details: { title: 'Maintenance' },
      },
    ]);
    const forgot = { method: 'POST', url: '/api/v1/auth/password/forgot', body: { email: people.USER.email } } as const;
    await changes(forgot, 202, [
      { user_id: null, action: 'auth.password_reset_requested', details: { email: people.USER.email } },
    ]);
  });

  test('a superuser that a command makes', async () => {
    const made = await withRelationalStore(system.settings, ({ users }) =>
      users.ensureSuperuser({ email: 'root@example.com', password: PASSWORD }),
    );
    await withRelationalStore(system.settings, ({ users }) =>
      users.ensureSuperuser({ email: 'root@example.com', password: PASSWORD, resetPassword: true }),
    );
    const found = await entries({ resource_type: 'user', resource_id: String(made.userId) });
    expect(found.map(({ action }) => action)).toEqual(['user.password_changed', 'user.updated', 'user.created']);
    for (const entry of found) expect(entry).toMatchObject({ user_id: null, ip_address: null, request_id: null });
  });
});

describe('what changes nothing leaves no entry', () => {
  const refused: Readonly<Record<string, () => TestRequest>> = {
    'an e-mail that is taken': () => ({
      method: 'POST',
      url: '/api/v1/users',
      body: { email: people.USER.email, password: PASSWORD },
    }),
    'a group that there is not': () => ({
      method: 'POST',
      url: '/api/v1/devices',
      body: { name: 'x', device_type: 'x', group_id: 999_999 },
    }),
    'a role that may not be given': () => ({
      method: 'PATCH',
      url: `/api/v1/users/${people.USER.id}`,
      body: { role: 'SUPERADMIN' },
    }),
    'a group without a name': () => ({ method: 'POST', url: '/api/v1/device-groups', body: {} }),
  };

  test.each(Object.entries(refused))('%s', async (_, request) => {
    const { status, requestId } = await send({ ...request(), as: people.ADMIN.token() });
    expect(status).toBeGreaterThanOrEqual(400);
    expect(await entries({ request_id: requestId ?? '' })).toEqual([]);
  });
});

describe('the list', () => {
  test('newest first, in pages, filtered', async () => {
    const url = '/api/v1/system/audit-logs';
    const as = people.ADMIN.token();
    const [first] = await entries({ size: 1 });
    const second = (await system.request({ url, query: { size: 1, page: 2 }, as })).json();
    expect(second.items[0].id).toBeLessThan(first?.id ?? 0);
    expect(second.pages).toBe(second.total);
    const mine = await entries({ user_id: people.ADMIN.id, action: 'device.created' });
    expect(mine.length).toBeGreaterThan(0);
    expect(mine.every(({ user_id, action }) => user_id === people.ADMIN.id && action === 'device.created')).toBe(true);
    expect(await entries({ q: 'audited-3' })).toMatchObject([{ details: { device_uid: 'audited-3' } }]);
    expect(await entries({ end: '2020-01-01T00:00:00Z' })).toEqual([]);
    expect((await entries({ start: '2020-01-01T00:00:00Z' })).length).toBeGreaterThan(10);
  });

  test.each(['size=0', 'user_id=x', 'start=yesterday', 'unknown=1', 'sort=action'])('refuses ?%s', async (query) => {
    const response = await system.request({ url: `/api/v1/system/audit-logs?${query}`, as: people.ADMIN.token() });
    expect(response.status).toBe(422);
  });
});

test('no secret of all these requests and answers is in any entry', async () => {
  expect(secrets.size).toBeGreaterThan(15);
  const all = JSON.stringify(await entries({}));
  // All are on one page.
  expect((await entries({})).length).toBeLessThan(100);
  expect([...secrets].filter((secret) => all.includes(secret))).toEqual([]);
});
