import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Principal, UserRole } from '#kernel/access.ts';
import { defined } from '#kernel/defined.ts';
import { createDevicesHarness, type DevicesHarness } from '#test/support/devices.ts';
import type { TestRequest } from '#test/support/http.ts';

const URL = '/api/v1/devices';
const UNKNOWN = 999_999;

let h: DevicesHarness;
beforeAll(async () => {
  h = await createDevicesHarness();
});
afterAll(() => h.close());

function call(method: NonNullable<TestRequest['method']>, path: string, as?: Principal, body?: unknown) {
  return h.app.request({
    method,
    url: `${URL}${path}`,
    ...defined({ as, body }),
  });
}
const admin = () => h.actors.ADMIN;

describe('route × role', () => {
  type Row = readonly [
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
    path: string,
    body: object | undefined,
    expected: Readonly<Record<UserRole, number>>,
  ];
  const all = (status: number) => ({ SUPERADMIN: status, ADMIN: status, MANAGER: status, USER: status });
  const body = { name: 'Pump', device_type: 'pump' };
  // `:owned` is a device of the USER of the table, `:other` one of somebody else.
  const table: readonly Row[] = [
    ['GET', '', undefined, all(200)],
    ['GET', '/:owned', undefined, all(200)],
    ['GET', '/:other', undefined, { ...all(200), USER: 404 }],
    ['POST', '', body, { ...all(201), USER: 403 }],
    ['PATCH', '/:owned', { name: 'Pump 2' }, { ...all(200), USER: 403 }],
    ['PATCH', '/:other', { name: 'Pump 2' }, { ...all(200), USER: 403 }],
    ['DELETE', '/:owned', undefined, { ...all(204), MANAGER: 403, USER: 403 }],
    ['DELETE', '/:other', undefined, { ...all(204), MANAGER: 403, USER: 403 }],
    ['POST', '/:owned/credentials', undefined, { ...all(200), USER: 403 }],
    ['POST', '/:other/credentials', undefined, { ...all(200), USER: 403 }],
    ['POST', '/import', [body], { ...all(200), USER: 403 }],
    ['GET', '/export', undefined, { ...all(200), USER: 403 }],
  ];
  const cases = table.flatMap(([method, path, sent, expected]) => [
    ...Object.entries(expected).map(([role, status]) => ({ method, path, sent, role, status })),
    { method, path, sent, role: 'nobody', status: 401 },
  ]);

  test.each(cases)('$method $path as $role: $status', async ({ method, path, sent, role, status }) => {
    const owner = path.includes(':owned') ? h.actors.USER : h.stranger;
    const { id } = await h.device({ owner_id: owner.userId });
    const as = role === 'nobody' ? undefined : h.actors[role as UserRole];
    const answer = await call(method, path.replace(/:\w+/, String(id)), as, sent);
    expect(answer.status).toBe(status);
  });

  test.each([
    ['GET', '', undefined],
    ['PATCH', '', { name: 'x' }],
    ['DELETE', '', undefined],
    ['POST', '/credentials', undefined],
  ] as const)('%s of an unknown device%s is 404', async (method, suffix, sent) => {
    const answer = await call(method, `/${UNKNOWN}${suffix}`, h.actors.SUPERADMIN, sent);
    expect([answer.status, answer.json().code]).toEqual([404, 'device_not_found']);
  });
});

describe('registering', () => {
  test('answers with the device and, only this once, its credentials', async () => {
    const created = await h.device({
      name: 'Greenhouse 7',
      device_uid: 'greenhouse-07',
      owner_id: h.actors.USER.userId,
      metadata: { floor: 2, tags: ['a', { b: null }] },
    });
    const { credentials, ...device } = created;
    expect(device).toEqual({
      id: expect.any(Number),
      device_uid: 'greenhouse-07',
      name: 'Greenhouse 7',
      device_type: 'sensor',
      status: 'OFFLINE',
      firmware_version: null,
      ip_address: null,
      group_id: null,
      owner_id: h.actors.USER.userId,
      last_seen_at: null,
      inactivity_seconds: null,
      timezone: null,
      metadata: { floor: 2, tags: ['a', { b: null }] },
      created_at: '2026-11-23T00:00:00.000Z',
      updated_at: '2026-11-23T00:00:00.000Z',
    });
    expect(credentials).toEqual({ username: 'greenhouse-07', password: expect.stringMatching(/^[\w-]{43}$/) });
    expect((await call('GET', `/${device.id}`, admin())).json()).toEqual(device);
    expect((await call('GET', '?q=greenhouse-07', admin())).json().items).toEqual([device]);
    expect(await h.api.authenticate('greenhouse-07', credentials.password)).toEqual({
      deviceId: device.id,
      deviceUid: 'greenhouse-07',
    });
    expect(h.events.filter(({ data }) => 'device_id' in data && data.device_id === device.id)).toEqual([
      {
        type: 'device.created',
        at: h.clock.now(),
        data: { device_id: device.id, device_uid: 'greenhouse-07', actor_id: admin().userId },
      },
    ]);
  });

  test('generates a device_uid', async () => {
    const [one, two] = [await h.device(), await h.device()];
    expect(one.device_uid).toMatch(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/);
    expect(one.device_uid).not.toBe(two.device_uid);
  });

  test('gives a uid that two ask for at once to one of them', async () => {
    const body = { name: 'Twin', device_type: 'sensor', device_uid: 'twin' };
    const answers = await Promise.all(Array.from({ length: 5 }, () => call('POST', '', admin(), body)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409]);
    expect(answers.find(({ status }) => status === 409)?.json().code).toBe('device_uid_taken');
    expect((await call('GET', '?q=twin', admin())).json().total).toBe(1);
  });

  const deep = (levels: number): object => (levels === 1 ? {} : { a: deep(levels - 1) });
  test.each([
    ['an unknown field', { status: 'ONLINE' }, '/status'],
    ['an empty name', { name: '' }, '/name'],
    ['a blank name', { name: '  ' }, '/name'],
    ['a name with a line break', { name: 'a\nb' }, '/name'],
    ['a long name', { name: 'a'.repeat(101) }, '/name'],
    ['a uid with a slash', { device_uid: 'a/b' }, '/device_uid'],
    ['a uid with a wildcard', { device_uid: 'a+' }, '/device_uid'],
    ['a uid that begins with a hyphen', { device_uid: '-a' }, '/device_uid'],
    ['a long uid', { device_uid: 'a'.repeat(65) }, '/device_uid'],
    ['a text as group', { group_id: '1' }, '/group_id'],
    ['an unknown group', { group_id: UNKNOWN }, '/group_id'],
    ['an unknown owner', { owner_id: UNKNOWN }, '/owner_id'],
    ['metadata that is a list', { metadata: [] }, '/metadata'],
    ['metadata that is null', { metadata: null }, '/metadata'],
    ['large metadata', { metadata: { a: 'x'.repeat(16 * 1024) } }, '/metadata'],
    ['deep metadata', { metadata: deep(9) }, '/metadata/a/a/a/a/a/a/a/a'],
  ])('refuses %s', async (_what, fields, path) => {
    const answer = await call('POST', '', admin(), { name: 'Pump', device_type: 'pump', ...fields });
    expect([answer.status, answer.json().errors?.[0]?.path]).toEqual([422, path]);
  });

  test('takes metadata up to the limits', async () => {
    const metadata = { ...deep(8), text: 'x'.repeat(16_000) };
    expect((await h.device({ metadata })).metadata).toEqual(metadata);
  });

  test('refuses a __proto__ key and harms nobody', async () => {
    const raw = '{"name": "x", "device_type": "x", "metadata": {"__proto__": {"polluted": true}}}';
    const answer = await h.app.request({ method: 'POST', url: URL, as: admin(), raw });
    expect(answer.status).toBe(400);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

describe('changing', () => {
  test('sets what is given and leaves the rest', async () => {
    const device = await h.device({ metadata: { a: 1 }, owner_id: h.actors.USER.userId });
    h.clock.advance(1_000);
    const before = h.events.length;
    const answer = await call('PATCH', `/${device.id}`, h.actors.MANAGER, { name: 'New', owner_id: null });
    const { credentials: _, ...rest } = device;
    expect(answer.json()).toEqual({
      ...rest,
      name: 'New',
      owner_id: null,
      updated_at: new Date(h.clock.now()).toISOString(),
    });
    const who = { device_id: device.id, device_uid: device.device_uid, actor_id: h.actors.MANAGER.userId };
    expect(h.events.slice(before).map(({ type, data }) => ({ type, data }))).toEqual([
      { type: 'device.updated', data: { ...who, changes: ['name', 'owner_id'] } },
      { type: 'device.owner_changed', data: { ...who, from: h.actors.USER.userId, to: null } },
    ]);
  });

  test('says nothing when nothing changes', async () => {
    const { credentials: _, ...device } = await h.device({ metadata: { a: 1 } });
    h.clock.advance(1_000);
    const before = h.events.length;
    const same = { name: 'Sensor', metadata: { a: 1 }, group_id: null, status: 'OFFLINE' };
    expect((await call('PATCH', `/${device.id}`, admin(), same)).json()).toEqual(device);
    expect((await call('PATCH', `/${device.id}`, admin(), {})).json()).toEqual(device);
    expect(h.events.length).toBe(before);
  });

  test.each([
    ['an unknown field', { device_uid: 'other' }],
    ['null as name', { name: null }],
    ['an unknown owner', { owner_id: UNKNOWN }],
    ['an unknown group', { group_id: UNKNOWN }],
    ['a status that is not measured', { status: 'ONLINE' }],
    ['a status that does not exist', { status: 'BROKEN' }],
  ])('refuses %s and changes nothing', async (_what, changes) => {
    const { credentials: _, ...device } = await h.device();
    const answer = await call('PATCH', `/${device.id}`, admin(), changes);
    expect(answer.status).toBe(422);
    expect((await call('GET', `/${device.id}`, admin())).json()).toEqual(device);
  });

  test('holds a device in MAINTENANCE, whatever it does, until it is let go', async () => {
    const device = await h.device();
    const status = async () => (await call('GET', `/${device.id}`, admin())).json().status;
    const connection = (status: 'ONLINE' | 'OFFLINE') =>
      h.api.applyStatuses([{ deviceId: device.id, status, at: h.clock.now(), source: 'connection' }]);

    expect((await call('PATCH', `/${device.id}`, admin(), { status: 'MAINTENANCE' })).json().status).toBe(
      'MAINTENANCE',
    );
    expect(await connection('ONLINE')).toEqual([]);
    expect(await status()).toBe('MAINTENANCE');
    // Whatever is asked for, it is the measured status that shows.
    expect((await call('PATCH', `/${device.id}`, admin(), { status: 'OFFLINE' })).json().status).toBe('ONLINE');
    expect(await connection('OFFLINE')).toHaveLength(1);

    const told = h.events.flatMap(({ type, data }) =>
      type === 'device.status_changed' && data.device_id === device.id ? [[data.from, data.to]] : [],
    );
    expect(told).toEqual([
      ['OFFLINE', 'MAINTENANCE'],
      ['MAINTENANCE', 'ONLINE'],
      ['ONLINE', 'OFFLINE'],
    ]);
  });
});

describe('deleting', () => {
  test('makes the device vanish and frees its uid', async () => {
    const first = await h.device({ device_uid: 'phoenix', owner_id: h.actors.USER.userId });
    expect((await call('DELETE', `/${first.id}`, admin())).status).toBe(204);

    expect((await call('GET', `/${first.id}`, admin())).status).toBe(404);
    expect((await call('DELETE', `/${first.id}`, admin())).status).toBe(404);
    expect((await call('PATCH', `/${first.id}`, admin(), { name: 'x' })).status).toBe(404);
    expect((await call('POST', `/${first.id}/credentials`, admin())).status).toBe(404);
    expect((await call('GET', '?q=phoenix', admin())).json()).toMatchObject({ items: [], total: 0 });
    expect((await call('GET', '/export', admin())).text).not.toContain('phoenix');
    expect(await h.api.authenticate('phoenix', first.credentials.password)).toBeNull();
    expect(await h.api.findVisibleByUid(admin(), 'phoenix')).toBeNull();
    await expect(h.api.getVisible(admin(), first.id)).rejects.toMatchObject({ code: 'device_not_found' });
    expect(h.events.at(-1)).toMatchObject({
      type: 'device.deleted',
      data: { device_id: first.id, device_uid: 'phoenix', actor_id: admin().userId },
    });

    const second = await h.device({ device_uid: 'phoenix' });
    expect(second.id).not.toBe(first.id);
    expect(await h.api.authenticate('phoenix', first.credentials.password)).toBeNull();
  });
});

describe('credentials', () => {
  test('a new secret works and the old one does not', async () => {
    const device = await h.device();
    const { credentials } = (await call('POST', `/${device.id}/credentials`, h.actors.MANAGER)).json();
    expect(credentials.username).toBe(device.device_uid);
    expect(await h.api.authenticate(device.device_uid, device.credentials.password)).toBeNull();
    expect(await h.api.authenticate(device.device_uid, credentials.password)).toMatchObject({ deviceId: device.id });
    expect(h.events.at(-1)).toMatchObject({ type: 'device.credentials_rotated', data: { device_id: device.id } });
  });

  test('nothing but the exact pair logs in', async () => {
    const device = await h.device({ device_uid: 'Exact' });
    const other = await h.device();
    for (const [uid, secret] of [
      ['Exact', ''],
      ['Exact', other.credentials.password],
      ['exact', device.credentials.password],
      ['Exact\u0000', device.credentials.password],
      ['', device.credentials.password],
      ['%', device.credentials.password],
    ] as const) {
      expect(await h.api.authenticate(uid, secret)).toBeNull();
    }
  });
});
