import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Principal, UserRole } from '#kernel/access.ts';
import { defined } from '#kernel/defined.ts';
import { createDevicesHarness, type DevicesHarness } from '#test/support/devices.ts';
import type { TestRequest } from '#test/support/http.ts';

const URL = '/api/v1/device-groups';
const UNKNOWN = 999_999;

let h: DevicesHarness;
let made = 0;
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

async function group(fields: object = {}) {
  made += 1;
  const answer = await call('POST', '', h.actors.MANAGER, { name: `Group ${made}`, ...fields });
  expect(answer.status).toBe(201);
  return answer.json();
}

describe('route × role', () => {
  const all = (status: number) => ({ SUPERADMIN: status, ADMIN: status, MANAGER: status, USER: status });
  const table = [
    { method: 'GET', path: '', body: undefined, expected: all(200) },
    { method: 'GET', path: '/:id', body: undefined, expected: all(200) },
    { method: 'POST', path: '', body: () => ({ name: `New ${++made}` }), expected: { ...all(201), USER: 403 } },
    { method: 'PATCH', path: '/:id', body: () => ({ description: 'x' }), expected: { ...all(200), USER: 403 } },
    { method: 'DELETE', path: '/:id', body: undefined, expected: { ...all(204), USER: 403 } },
  ] as const;
  const cases = table.flatMap(({ method, path, body, expected }) => [
    ...Object.entries(expected).map(([role, status]) => ({ method, path, body, role, status })),
    { method, path, body, role: 'nobody', status: 401 },
  ]);

  test.each(cases)('$method $path as $role: $status', async ({ method, path, body, role, status }) => {
    const { id } = await group();
    const as = role === 'nobody' ? undefined : h.actors[role as UserRole];
    expect((await call(method, path.replace(':id', String(id)), as, body?.())).status).toBe(status);
  });
});

test('a group is created, read, changed and deleted', async () => {
  const created = await group({ name: 'Hall', description: 'Under the roof' });
  expect(created).toEqual({
    id: expect.any(Number),
    name: 'Hall',
    description: 'Under the roof',
    created_at: '2026-11-23T00:00:00.000Z',
    updated_at: '2026-11-23T00:00:00.000Z',
  });
  const one = `/${created.id}`;
  expect((await call('GET', one, h.actors.USER)).json()).toEqual(created);
  h.clock.advance(1_000);
  expect((await call('PATCH', one, h.actors.ADMIN, { description: null })).json()).toEqual({
    ...created,
    description: null,
    updated_at: '2026-11-23T00:00:01.000Z',
  });
  expect((await call('DELETE', one, h.actors.ADMIN)).status).toBe(204);
  for (const [method, body] of [['GET'], ['PATCH', { name: 'x' }], ['DELETE']] as const) {
    const answer = await call(method, one, h.actors.ADMIN, body);
    expect([answer.status, answer.json().code]).toEqual([404, 'device_group_not_found']);
  }
});

test('names are unique', async () => {
  const one = await group();
  const two = await group();
  const again = await call('POST', '', h.actors.ADMIN, { name: one.name });
  expect([again.status, again.json().code]).toEqual([409, 'device_group_name_taken']);
  expect((await call('PATCH', `/${two.id}`, h.actors.ADMIN, { name: one.name })).status).toBe(409);
  expect((await call('PATCH', `/${two.id}`, h.actors.ADMIN, { name: two.name })).status).toBe(200);
});

test('a group in use cannot be deleted; one that only deleted devices were in can', async () => {
  const { id } = await group();
  const device = await h.device({ group_id: id });
  const refused = await call('DELETE', `/${id}`, h.actors.ADMIN);
  expect([refused.status, refused.json().code]).toEqual([409, 'device_group_in_use']);

  await h.app.request({ method: 'DELETE', url: `/api/v1/devices/${device.id}`, as: h.actors.ADMIN });
  expect((await call('DELETE', `/${id}`, h.actors.ADMIN)).status).toBe(204);
});

test('lists by name, searches and sorts', async () => {
  const names = async (query: string) =>
    (await call('GET', query, h.actors.USER)).json().items.map(({ name }: { name: string }) => name);
  await group({ name: 'zz 50%' });
  await group({ name: 'zz-b', description: 'Fifty_' });
  expect(await names('?q=zz')).toEqual(['zz 50%', 'zz-b']);
  expect(await names('?q=zz&sort=-name')).toEqual(['zz-b', 'zz 50%']);
  expect(await names('?q=%25')).toEqual(['zz 50%']);
  expect(await names('?q=fifty_')).toEqual(['zz-b']);
  expect((await call('GET', '?q=zz&size=1', h.actors.USER)).json()).toMatchObject({ total: 2, pages: 2 });
  expect((await call('GET', '?sort=secret', h.actors.USER)).json().code).toBe('invalid_sort');
});

test.each([
  [{}],
  [{ name: '' }],
  [{ name: ' ' }],
  [{ name: 'a'.repeat(101) }],
  [{ name: 'a', other: 1 }],
  [{ name: 'a', description: 'a'.repeat(501) }],
])('refuses %j', async (body) => {
  expect((await call('POST', '', h.actors.ADMIN, body)).status).toBe(422);
});

test.each([['GET'], ['PATCH'], ['DELETE']] as const)('%s of an unknown group is 404', async (method) => {
  const body = method === 'PATCH' ? { name: 'x' } : undefined;
  expect((await call(method, `/${UNKNOWN}`, h.actors.ADMIN, body)).status).toBe(404);
});
