import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Principal, USER_ROLES, type UserRole } from '#kernel/access.ts';
import { systemClock } from '#kernel/clock.ts';
import { defined } from '#kernel/defined.ts';
import { createEventBus } from '#kernel/events.ts';
import { silentLogger } from '#kernel/logger.ts';
import { createAuditTrail } from '#platform/audit/audit.ts';
import type { SqlStore } from '#platform/sql/sql.port.ts';
import { createTestApp, type TestApp, type TestRequest } from '#test/support/http.ts';
import { createTestSql } from '#test/support/sql.ts';
import { createTestUsers } from '#test/support/users.ts';
import { type UsersApi, usersMigrations } from './index.ts';

const PASSWORD = 'correct horse';
const UNKNOWN_ID = 999_999;

let sql: SqlStore;
let app: TestApp;
let api: UsersApi;
let created = 0;

/** A new user of its own for each test, so that tests do not meet. */
async function person(role: UserRole): Promise<Principal> {
  created += 1;
  const user = await api.create({ email: `person${created}@example.com`, password: PASSWORD, role });
  return { userId: user.id, role };
}

let actors: Readonly<Record<UserRole, Principal>>;

beforeAll(async () => {
  sql = await createTestSql(usersMigrations);
  const users = createTestUsers({
    sql,
    audit: createAuditTrail({ sql, clock: systemClock }),
    clock: systemClock,
    events: createEventBus(silentLogger),
  });
  api = users.api;
  app = await createTestApp({ routes: users.routes });
  const [SUPERADMIN, ADMIN, MANAGER, USER] = await Promise.all([
    person('SUPERADMIN'),
    person('ADMIN'),
    person('MANAGER'),
    person('USER'),
  ]);
  actors = { SUPERADMIN, ADMIN, MANAGER, USER };
});
afterAll(async () => {
  await app.close();
  await sql.stop?.(AbortSignal.timeout(1000));
});

const request = (method: NonNullable<TestRequest['method']>, path: string, as?: Principal, body?: unknown) =>
  app.request({
    method,
    url: `/api/v1/users${path}`,
    ...defined({ as, body }),
  });

describe('route × role', () => {
  const everyone = { SUPERADMIN: 200, ADMIN: 200, MANAGER: 200, USER: 200 };
  const admins = { SUPERADMIN: 200, ADMIN: 200, MANAGER: 403, USER: 403 };
  const table: readonly {
    readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
    readonly path: string | (() => Promise<string>);
    readonly body?: () => object;
    readonly expected: Readonly<Record<UserRole, number>>;
  }[] = [
    { method: 'GET', path: '/me', expected: everyone },
    { method: 'PATCH', path: '/me', body: () => ({ full_name: 'Kim' }), expected: everyone },
    {
      method: 'POST',
      path: '/me/password',
      body: () => ({ current_password: PASSWORD, new_password: PASSWORD }),
      expected: { SUPERADMIN: 204, ADMIN: 204, MANAGER: 204, USER: 204 },
    },
    { method: 'GET', path: '/', expected: admins },
    { method: 'GET', path: '/directory', expected: { ...everyone, USER: 403 } },
    { method: 'GET', path: async () => `/${(await person('USER')).userId}`, expected: admins },
    {
      method: 'POST',
      path: '/',
      body: () => {
        created += 1;
        return { email: `made${created}@example.com`, password: PASSWORD };
      },
      expected: { ...admins, SUPERADMIN: 201, ADMIN: 201 },
    },
    {
      method: 'PATCH',
      path: async () => `/${(await person('USER')).userId}`,
      body: () => ({ phone: '010-1234-5678' }),
      expected: admins,
    },
    {
      method: 'DELETE',
      path: async () => `/${(await person('USER')).userId}`,
      expected: { ...admins, SUPERADMIN: 204, ADMIN: 204 },
    },
  ];

  for (const { method, path, body, expected } of table) {
    const name = typeof path === 'string' ? path : '/{user_id}';
    for (const role of USER_ROLES) {
      test(`${method} ${name} as ${role} → ${expected[role]}`, async () => {
        const target = typeof path === 'string' ? path : await path();
        const response = await request(method, target, actors[role], body?.());
        expect(response.status, response.text).toBe(expected[role]);
      });
    }
    test(`${method} ${name} without a token → 401`, async () => {
      const response = await request(method, typeof path === 'string' ? path : '/1', undefined, body?.());
      expect(response.status).toBe(401);
    });
  }
});

describe('me', () => {
  test('reads and changes the profile; null clears, what is absent stays', async () => {
    const me = await person('USER');
    const changed = await request('PATCH', '/me', me, {
      full_name: '김민지',
      phone: '+82 10-1234-5678',
      organization: 'Hanbit',
      avatar_url: 'https://example.com/a.png',
    });
    expect(changed.status).toBe(200);
    expect((await request('PATCH', '/me', me, { phone: null })).json()).toMatchObject({
      full_name: '김민지',
      phone: null,
    });
    expect((await request('GET', '/me', me)).json()).toEqual({
      id: me.userId,
      email: expect.stringMatching(/^person\d+@example\.com$/),
      role: 'USER',
      is_active: true,
      is_verified: false,
      two_factor_enabled: false,
      full_name: '김민지',
      phone: null,
      organization: 'Hanbit',
      avatar_url: 'https://example.com/a.png',
      last_login_at: null,
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      updated_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    });
  });

  test.each([
    [{ role: 'ADMIN' }, '/role'],
    [{ is_active: true }, '/is_active'],
    [{ email: 'a@example.com' }, '/email'],
    [{ full_name: '' }, '/full_name'],
    [{ full_name: 5 }, '/full_name'],
    [{ avatar_url: 'javascript:alert(1)' }, '/avatar_url'],
    [{ phone: '1'.repeat(33) }, '/phone'],
  ])('PATCH %j → 422', async (body, path) => {
    const response = await request('PATCH', '/me', actors.USER, body);
    expect(response.status).toBe(422);
    expect(response.json()).toMatchObject({ code: 'invalid_input', errors: [{ path }] });
  });

  test('a wrong current password changes nothing', async () => {
    const me = await person('USER');
    const { email } = (await request('GET', '/me', me)).json();
    const wrong = await request('POST', '/me/password', me, { current_password: 'x', new_password: 'another horse' });
    expect(wrong.status).toBe(422);
    expect(wrong.json()).toMatchObject({ code: 'wrong_password', errors: [{ path: '/current_password' }] });
    for (const new_password of ['1234567', 'x'.repeat(129), 'Password1', email.toUpperCase()]) {
      const response = await request('POST', '/me/password', me, { current_password: PASSWORD, new_password });
      expect(response.json()).toMatchObject({ code: 'invalid_input', errors: [{ path: '/new_password' }] });
    }
    expect(await api.verifyPassword({ email, password: PASSWORD })).toMatchObject({ userId: me.userId });
  });
});

describe('management', () => {
  test('creates with profile, role and state', async () => {
    const response = await request('POST', '/', actors.ADMIN, {
      email: '  New.Person@Example.COM ',
      password: PASSWORD,
      role: 'MANAGER',
      is_active: false,
      full_name: 'New Person',
    });
    expect(response.status).toBe(201);
    expect(response.json()).toMatchObject({
      email: 'new.person@example.com',
      role: 'MANAGER',
      is_active: false,
      full_name: 'New Person',
    });
    expect(response.text).not.toContain('argon2');
    const again = await request('POST', '/', actors.ADMIN, { email: 'NEW.person@example.com', password: PASSWORD });
    expect(again.status).toBe(409);
    expect(again.json()).toMatchObject({ code: 'email_taken' });
  });

  test.each([
    [{ email: 'no-at', password: PASSWORD }, '/email'],
    [{ email: 'a@b', password: PASSWORD }, '/email'],
    [{ password: PASSWORD }, '/email'],
    [{ email: 'ok@example.com', password: '1234567' }, '/password'],
    [{ email: 'ok@example.com', password: PASSWORD, role: 'DEVICE' }, '/role'],
    [{ email: 'ok@example.com', password: PASSWORD, role: 'admin' }, '/role'],
    [{ email: 'ok@example.com', password: PASSWORD, is_verified: true }, '/is_verified'],
    [{ email: 'ok@example.com', password: PASSWORD, id: 1 }, '/id'],
  ])('POST %j → 422', async (body, path) => {
    const response = await request('POST', '/', actors.ADMIN, body);
    expect(response.status).toBe(422);
    expect(response.json()).toMatchObject({ code: 'invalid_input', errors: [{ path }] });
  });

  test('malformed JSON is 400', async () => {
    const response = await app.request({ method: 'POST', url: '/api/v1/users', as: actors.ADMIN, raw: '{"email":' });
    expect(response.status).toBe(400);
  });

  test.each(['GET', 'PATCH', 'DELETE'] as const)('%s of an unknown user → 404, of a bad id → 422', async (method) => {
    const body = method === 'PATCH' ? {} : undefined;
    const unknown = await request(method, `/${UNKNOWN_ID}`, actors.SUPERADMIN, body);
    expect(unknown.status).toBe(404);
    expect(unknown.json()).toMatchObject({ code: 'user_not_found' });
    for (const id of ['0', '-1', 'abc', '1.5', '99999999999']) {
      expect((await request(method, `/${id}`, actors.SUPERADMIN, body)).status, id).toBe(422);
    }
  });

  test('PATCH with an unknown field → 422', async () => {
    const target = await person('USER');
    const response = await request('PATCH', `/${target.userId}`, actors.ADMIN, { password: PASSWORD });
    expect(response.json()).toMatchObject({ status: 422, errors: [{ path: '/password' }] });
  });

  test('a deleted user is gone from everywhere and its e-mail is free', async () => {
    const target = await person('USER');
    const { email } = (await request('GET', `/${target.userId}`, actors.ADMIN)).json();
    expect((await request('DELETE', `/${target.userId}`, actors.ADMIN)).status).toBe(204);
    expect((await request('GET', `/${target.userId}`, actors.ADMIN)).status).toBe(404);
    expect((await request('DELETE', `/${target.userId}`, actors.ADMIN)).status).toBe(404);
    expect((await request('GET', '/me', target)).status).toBe(404);
    expect((await request('PATCH', '/me', target, {})).status).toBe(404);
    expect((await request('GET', `/?q=${email}`, actors.ADMIN)).json()).toMatchObject({ total: 0 });
    expect((await request('POST', '/', actors.ADMIN, { email, password: PASSWORD })).status).toBe(201);
  });
});

describe('who may manage whom', () => {
  const rank = { SUPERADMIN: 4, ADMIN: 3, MANAGER: 2, USER: 1 };
  for (const actor of ['SUPERADMIN', 'ADMIN'] as const) {
    for (const target of USER_ROLES) {
      const allowed = rank[actor] > rank[target];
      test(`${actor} ${allowed ? 'changes and deletes' : 'can neither change nor delete'} a ${target}`, async () => {
        const other = await person(target);
        const patched = await request('PATCH', `/${other.userId}`, actors[actor], { full_name: 'x' });
        expect(patched.status).toBe(allowed ? 200 : 403);
        const deleted = await request('DELETE', `/${other.userId}`, actors[actor]);
        expect(deleted.status).toBe(allowed ? 204 : 403);
        if (!allowed) expect(deleted.json()).toMatchObject({ code: 'user_not_manageable' });
      });

      const grantable = actor === 'SUPERADMIN' || allowed;
      test(`${actor} ${grantable ? 'grants' : 'cannot grant'} ${target}`, async () => {
        created += 1;
        const body = { email: `grant${created}@example.com`, password: PASSWORD, role: target };
        const made = await request('POST', '/', actors[actor], body);
        expect(made.status).toBe(grantable ? 201 : 403);
        if (!grantable) expect(made.json()).toMatchObject({ code: 'role_not_grantable' });
        const other = await person('USER');
        const promoted = await request('PATCH', `/${other.userId}`, actors[actor], { role: target });
        expect(promoted.status).toBe(grantable ? 200 : 403);
      });
    }
  }

  test('nobody but a SUPERADMIN changes itself through its id', async () => {
    expect((await request('PATCH', `/${actors.ADMIN.userId}`, actors.ADMIN, { role: 'ADMIN' })).status).toBe(403);
    expect((await request('DELETE', `/${actors.ADMIN.userId}`, actors.ADMIN)).status).toBe(403);
    const leaving = await person('SUPERADMIN');
    expect((await request('PATCH', `/${leaving.userId}`, leaving, { role: 'ADMIN' })).json()).toMatchObject({
      role: 'ADMIN',
    });
  });
});

describe('list', () => {
  beforeAll(async () => {
    for (const [name, role] of [
      ['percent%sign', 'USER'],
      ['under_score', 'MANAGER'],
      ['bang!', 'USER'],
      ['plain', 'USER'],
    ] as const) {
      await api.create({
        email: `list-${created++}@list.example.org`,
        password: PASSWORD,
        role,
        fullName: `L ${name}`,
      });
    }
  });
  const list = async (query: Record<string, string | number | boolean>) =>
    (await app.request({ url: '/api/v1/users', as: actors.ADMIN, query })).json();
  const names = (page: { items: { full_name: string }[] }) => page.items.map((item) => item.full_name);

  test('pages', async () => {
    const first = await list({ q: 'list.example.org', size: 3, sort: 'full_name' });
    expect(first).toMatchObject({ total: 4, page: 1, size: 3, pages: 2 });
    expect(names(first)).toEqual(['L bang!', 'L percent%sign', 'L plain']);
    const second = await list({ q: 'list.example.org', size: 3, page: 2, sort: 'full_name' });
    expect(names(second)).toEqual(['L under_score']);
    expect(await list({ q: 'list.example.org', page: 9 })).toMatchObject({ items: [], total: 4 });
  });

  test('sorts by several fields, newest first by default', async () => {
    expect(names(await list({ q: 'list.example.org', sort: 'role,-full_name' }))).toEqual([
      'L under_score',
      'L plain',
      'L percent%sign',
      'L bang!',
    ]);
    const ids = (await list({ q: 'list.example.org' })).items.map((item: { id: number }) => item.id);
    expect(ids).toEqual(ids.toSorted((a: number, b: number) => b - a));
    const refused = await app.request({ url: '/api/v1/users?sort=hashed_pwd', as: actors.ADMIN });
    expect(refused.json()).toMatchObject({ status: 422, code: 'invalid_sort', errors: [{ path: '/query/sort' }] });
  });

  test('q is found in letters of either case', async () => {
    expect(names(await list({ q: 'PERCENT' }))).toEqual(['L percent%sign']);
    expect(await list({ q: 'List.Example.ORG' })).toMatchObject({ total: 4 });
  });

  test('q is taken literally', async () => {
    expect(names(await list({ q: '%' }))).toEqual(['L percent%sign']);
    expect(names(await list({ q: '_' }))).toEqual(['L under_score']);
    expect(names(await list({ q: '!' }))).toEqual(['L bang!']);
    expect(await list({ q: "'; drop table users; --" })).toMatchObject({ total: 0 });
  });

  test('filters by role and state', async () => {
    expect(names(await list({ q: 'list.example.org', role: 'MANAGER' }))).toEqual(['L under_score']);
    expect(await list({ q: 'list.example.org', is_active: false })).toMatchObject({ total: 0 });
    expect(await list({ q: 'list.example.org', is_active: true })).toMatchObject({ total: 4 });
    for (const query of ['role=BOSS', 'is_active=perhaps', 'email=x', 'q=']) {
      expect((await app.request({ url: `/api/v1/users?${query}`, as: actors.ADMIN })).status, query).toBe(422);
    }
  });
});

describe('the directory', () => {
  const look = async (query: Record<string, string | number | boolean>) =>
    (await app.request({ url: '/api/v1/users/directory', as: actors.MANAGER, query })).json();
  const emails = (page: { items: { email: string }[] }) => page.items.map(({ email }) => email.split('@')[0]);
  let ids: readonly number[];
  beforeAll(async () => {
    const people = [
      { email: 'b.lee@look.example.org', role: 'ADMIN', fullName: 'Lee Bora', phone: '+82 10-7777-0001' },
      { email: 'a.park@look.example.org', role: 'USER', fullName: 'Park Ana', organization: 'Unique Farm' },
      { email: 'c.kim@look.example.org', role: 'MANAGER', isActive: false },
    ] as const;
    const made = await Promise.all(people.map((each) => api.create({ ...each, password: PASSWORD })));
    ids = made.map(({ id }) => id);
  });

  test('tells people apart, and no more of them', async () => {
    const { items } = await look({ id: String(ids[0]) });
    const lee = { email: 'b.lee@look.example.org', full_name: 'Lee Bora', role: 'ADMIN', is_active: true };
    expect(items).toEqual([{ id: ids[0], ...lee }]);
  });

  test('is by e-mail, in pages, of those who are asked for', async () => {
    expect(emails(await look({ q: 'look.example.org' }))).toEqual(['a.park', 'b.lee', 'c.kim']);
    expect(await look({ q: 'look.example.org', size: 2, page: 2 })).toMatchObject({ total: 3, pages: 2 });
    expect(emails(await look({ q: 'look.example.org', sort: '-full_name', is_active: true }))).toEqual([
      'a.park',
      'b.lee',
    ]);
    expect(emails(await look({ id: `${ids[2]},${ids[0]}` }))).toEqual(['b.lee', 'c.kim']);
    expect(emails(await look({ q: 'look.example.org', role: 'ADMIN,MANAGER' }))).toEqual(['b.lee', 'c.kim']);
  });

  test('finds by e-mail and name, and by nothing else: what is not told is not found out either', async () => {
    expect(emails(await look({ q: 'park ana' }))).toEqual(['a.park']);
    for (const q of ['7777', 'Unique Farm']) expect(await look({ q }), q).toMatchObject({ total: 0 });
    for (const query of ['sort=phone', 'sort=last_login_at', 'organization=x']) {
      const { status } = await app.request({ url: `/api/v1/users/directory?${query}`, as: actors.MANAGER });
      expect(status, query).toBe(422);
    }
  });
});
