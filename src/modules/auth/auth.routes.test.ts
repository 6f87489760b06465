import { createPublicKey, verify } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { USER_ROLES, type UserRole } from '#kernel/access.ts';
import { defined } from '#kernel/defined.ts';
import { createEventBus, type DomainEvent } from '#kernel/events.ts';
import type { Logger } from '#kernel/logger.ts';
import { createUsersModule, type UsersApi, usersMigrations } from '#modules/users/index.ts';
import { createAuditTrail } from '#platform/audit/audit.ts';
import { createMemoryCounters } from '#platform/cache/memory-counters.ts';
import { createSecretBox } from '#platform/secrets/secret-box.ts';
import type { SqlStore } from '#platform/sql/sql.port.ts';
import { auditedStore } from '#test/support/audit.ts';
import { AUTH_SETTINGS, NOBODY_OUTSIDE } from '#test/support/auth.ts';
import { createTestClock, type TestClock } from '#test/support/clock.ts';
import { recordEvents } from '#test/support/events.ts';
import { createTestApp, createTestAuthenticator, type TestApp, type TestRequest } from '#test/support/http.ts';
import { createTestSql } from '#test/support/sql.ts';
import { type AuthModule, authMigrations, createAuthModule, createUserTokenStore } from './index.ts';

const EMAIL = 'kim@example.com';
const PASSWORD = 'correct horse';
const DAY = 86_400_000;

interface Pair {
  readonly access_token: string;
  readonly refresh_token: string;
}

let folder: string;
let sql: SqlStore;
let clock: TestClock;
let events: DomainEvent[];
let warnings: object[];
let users: UsersApi;
let auth: AuthModule;
let app: TestApp;

async function start(registrationOpen = true): Promise<void> {
  warnings = [];
  const logger: Logger = {
    debug: () => {},
    info: () => {},
    warn: (fields) => void warnings.push(fields),
    error: (fields) => {
      throw new Error('logged an error', { cause: fields });
    },
    child: () => logger,
  };
  const bus = createEventBus(logger);
  events = recordEvents(bus, 'auth.refresh_token_reused');
  const usersModule = createUsersModule({
    sql,
    audit: createAuditTrail({ sql, clock }),
    clock,
    events: bus,
    tokens: createUserTokenStore(),
    counters: createMemoryCounters({ clock: createTestClock() }),
  });
  users = usersModule.api;
  auth = createAuthModule({
    persistence: { ...auditedStore(sql, clock), secrets: createSecretBox({ folder: join(folder, 'keys') }) },
    users,
    counters: createMemoryCounters({ clock }),
    events: bus,
    outside: NOBODY_OUTSIDE,
    runtime: { clock, logger },
    settings: { ...AUTH_SETTINGS, keysFolder: join(folder, 'keys'), registrationOpen },
  });
  for (const component of auth.components) await component.start?.(AbortSignal.timeout(5000));
  app = await createTestApp({
    routes: [...usersModule.routes, ...auth.routes],
    authenticator: { bearer: auth.api.bearer, device: createTestAuthenticator().device },
    clock,
    logger,
  });
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'auth-'));
  sql = await createTestSql(usersMigrations, authMigrations);
  clock = createTestClock();
  await start();
});
afterEach(async () => {
  await app.close();
  await sql.stop?.(AbortSignal.timeout(1000));
  await rm(folder, { recursive: true, force: true });
});

const post = (path: string, body?: unknown, more: Partial<TestRequest> = {}) =>
  app.request({ method: 'POST', url: `/api/v1/auth${path}`, ...defined({ body }), ...more });
const login = async (email = EMAIL, password = PASSWORD) => (await post('/login', { email, password })).json<Pair>();
const register = async (email = EMAIL) => (await post('/register', { email, password: PASSWORD })).json<Pair>();
const me = (as: string) => app.request({ url: '/api/v1/users/me', as });
const refresh = (refresh_token: string) => post('/refresh', { refresh_token });
async function person(role: UserRole): Promise<Pair & { readonly userId: number }> {
  const email = `${role.toLowerCase()}@example.com`;
  const { id } = await users.create({ email, password: PASSWORD, role });
  return { userId: id, ...(await login(email)) };
}

const TOKENS = {
  access_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
  refresh_token: expect.stringMatching(/^[\w-]{43}$/),
  token_type: 'bearer',
  expires_in: 1800,
};

describe('POST /register', () => {
  test('makes a USER and signs it in', async () => {
    const response = await post('/register', {
      email: ' Kim@Example.com ',
      password: PASSWORD,
      full_name: 'Kim',
      phone: '010',
      organization: 'Hanbit',
    });
    expect(response.status).toBe(201);
    expect(response.json()).toEqual(TOKENS);
    expect(response.headers['cache-control']).toBe('no-store');
    expect((await me(response.json().access_token)).json()).toMatchObject({
      email: EMAIL,
      role: 'USER',
      full_name: 'Kim',
      phone: '010',
      organization: 'Hanbit',
    });
    expect((await refresh(response.json().refresh_token)).status).toBe(200);
  });

  test('a taken e-mail is 409', async () => {
    await register();
    const again = await post('/register', { email: 'KIM@example.com', password: PASSWORD });
    expect(again.json()).toMatchObject({ status: 409, code: 'email_taken' });
  });

  test.each([
    [{ email: EMAIL }, '/password'],
    [{ email: EMAIL, password: 'short' }, '/password'],
    [{ email: EMAIL, password: 'x'.repeat(129) }, '/password'],
    [{ email: 'kim', password: PASSWORD }, '/email'],
    [{ email: EMAIL, password: PASSWORD, role: 'ADMIN' }, '/role'],
    [{ email: EMAIL, password: PASSWORD, full_name: 1 }, '/full_name'],
  ])('%j → 422', async (body, path) => {
    expect((await post('/register', body)).json()).toMatchObject({ status: 422, errors: [{ path }] });
  });

  test('closed → 403', async () => {
    await app.close();
    await start(false);
    const response = await post('/register', { email: EMAIL, password: PASSWORD });
    expect(response.json()).toMatchObject({ status: 403, code: 'registration_closed' });
  });
});

describe('POST /login', () => {
  test('gives tokens and records it', async () => {
    const { access_token } = await register();
    clock.advance(1000);
    const response = await post('/login', { email: EMAIL.toUpperCase(), password: PASSWORD });
    expect(response.status).toBe(200);
    expect(response.json()).toEqual(TOKENS);
    expect(response.headers['cache-control']).toBe('no-store');
    expect((await me(access_token)).json()).toMatchObject({ last_login_at: new Date(clock.now()).toISOString() });
  });

  test('a wrong e-mail and a wrong password look the same', async () => {
    await register();
    const answers = await Promise.all([
      post('/login', { email: 'nobody@example.com', password: PASSWORD }, { headers: { 'x-request-id': 'r' } }),
      post('/login', { email: EMAIL, password: 'wrong horse' }, { headers: { 'x-request-id': 'r' } }),
    ]);
    for (const answer of answers) expect(answer.json()).toMatchObject({ status: 401, code: 'invalid_credentials' });
    expect(answers[0]?.text).toBe(answers[1]?.text);
  });

  test('inactive: 403 with the right password, 401 with a wrong one; deleted: 401', async () => {
    const admin = await person('ADMIN');
    const user = await person('USER');
    const target = { url: `/api/v1/users/${user.userId}`, as: admin.access_token };
    await app.request({ method: 'PATCH', ...target, body: { is_active: false } });
    const answer = async (password: string) =>
      (await post('/login', { email: 'user@example.com', password })).json<{ status: number; code: string }>();
    expect(await answer(PASSWORD)).toMatchObject({ status: 403, code: 'account_inactive' });
    expect(await answer('wrong horse')).toMatchObject({ status: 401, code: 'invalid_credentials' });
    await app.request({ method: 'DELETE', ...target });
    expect(await answer(PASSWORD)).toMatchObject({ status: 401, code: 'invalid_credentials' });
  });

  test('the sixth attempt after five failures is 429, whether the account exists or not', async () => {
    await register();
    for (const email of [EMAIL, 'nobody@example.com']) {
      for (let i = 0; i < 5; i++) {
        expect((await post('/login', { email, password: 'wrong horse' })).status).toBe(401);
      }
      const limited = await post('/login', { email: ` ${email.toUpperCase()}`, password: PASSWORD });
      expect(limited.json()).toMatchObject({ status: 429, code: 'too_many_logins' });
      expect(limited.headers['retry-after']).toBe('900');
    }
    clock.advance(15 * 60_000);
    expect((await post('/login', { email: EMAIL, password: PASSWORD })).status).toBe(200);
  });

  test.each([
    [{ email: EMAIL }, '/password'],
    [{ email: EMAIL, password: '' }, '/password'],
    [{ email: ['a'], password: PASSWORD }, '/email'],
    [{ email: EMAIL, password: PASSWORD, remember: true }, '/remember'],
  ])('%j → 422', async (body, path) => {
    expect((await post('/login', body)).json()).toMatchObject({ status: 422, errors: [{ path }] });
  });

  test('malformed JSON is 400', async () => {
    for (const path of ['/login', '/register', '/refresh']) {
      expect((await post(path, undefined, { raw: '{"email"' })).status).toBe(400);
    }
  });
});

describe('POST /refresh', () => {
  test('rotates: a new pair, the old refresh token is spent', async () => {
    const first = await register();
    const second = await refresh(first.refresh_token);
    expect(second.status).toBe(200);
    expect(second.json()).toEqual(TOKENS);
    expect(second.headers['cache-control']).toBe('no-store');
    expect(second.json().refresh_token).not.toBe(first.refresh_token);
    expect((await me(second.json().access_token)).status).toBe(200);
    expect((await refresh(second.json().refresh_token)).status).toBe(200);
  });

  test('a spent one revokes its whole family, is told and logged; other sign-ins live on', async () => {
    const first = await register();
    const other = await login();
    const second = (await refresh(first.refresh_token)).json<Pair>();
    const third = (await refresh(second.refresh_token)).json<Pair>();
    clock.advance(10_001);
    const reused = await refresh(first.refresh_token);
    expect(reused.json()).toMatchObject({ status: 401, code: 'invalid_refresh_token' });
    expect((await refresh(third.refresh_token)).status).toBe(401);
    expect((await refresh(other.refresh_token)).status).toBe(200);
    const data = { user_id: 1, family_id: expect.any(String) };
    expect(events[0]).toMatchObject({ type: 'auth.refresh_token_reused', data });
    expect(warnings[0]).toEqual(data);
  });

  test('expires after seven days', async () => {
    const early = await register();
    const late = await login();
    clock.advance(7 * DAY - 1);
    const renewed = await refresh(early.refresh_token);
    expect(renewed.status).toBe(200);
    clock.advance(1);
    expect((await refresh(late.refresh_token)).json()).toMatchObject({ status: 401, code: 'invalid_refresh_token' });
    expect((await refresh(renewed.json().refresh_token)).status).toBe(200);
    expect(events).toEqual([]);
  });

  test('is stored only as a hash', async () => {
    const { refresh_token } = await register();
    const successor = (await refresh(refresh_token)).json<Pair>().refresh_token;
    const rows = await sql.db<{ refresh_tokens: object }>().selectFrom('refresh_tokens').selectAll().execute();
    for (const token of [refresh_token, successor]) expect(JSON.stringify(rows)).not.toContain(token);
    const hashed = { token_hash: expect.stringMatching(/^[0-9a-f]{64}$/) };
    expect(rows).toMatchObject([hashed, hashed]);
  });

  test('unknown → 401, bad bodies → 422', async () => {
    expect((await refresh('nonsense')).json()).toMatchObject({ status: 401, code: 'invalid_refresh_token' });
    for (const body of [{}, { refresh_token: '' }, { refresh_token: 5 }, { refresh_token: 'a', x: 1 }]) {
      expect((await post('/refresh', body)).status).toBe(422);
    }
  });

  test('brings the role of now', async () => {
    const admin = await person('ADMIN');
    const user = await person('USER');
    await app.request({
      method: 'PATCH',
      url: `/api/v1/users/${user.userId}`,
      as: admin.access_token,
      body: { role: 'MANAGER' },
    });
    const { access_token } = (await refresh(user.refresh_token)).json<Pair>();
    const [, payload = ''] = access_token.split('.');
    expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject({ role: 'MANAGER' });
  });
});

describe('POST /logout', () => {
  test('needs a token', async () => {
    expect((await post('/logout')).status).toBe(401);
  });

  for (const role of USER_ROLES) {
    test(`ends every session of a ${role}, and only the sessions until now`, async () => {
      const first = await person(role);
      const second = await login(`${role.toLowerCase()}@example.com`);
      const other = await register();
      const response = await post('/logout', undefined, { as: second.access_token });
      expect([response.status, response.text]).toEqual([204, '']);
      for (const { access_token, refresh_token } of [first, second]) {
        expect((await me(access_token)).json()).toMatchObject({ status: 401, code: 'authentication_required' });
        expect((await refresh(refresh_token)).status).toBe(401);
      }
      // The clock stands still: the same millisecond.
      const third = await login(`${role.toLowerCase()}@example.com`);
      expect((await me(third.access_token)).status).toBe(200);
      expect((await refresh(third.refresh_token)).status).toBe(200);
      expect((await me(other.access_token)).status).toBe(200);
    });
  }
});

describe('access is lost at once', () => {
  const endings: Readonly<Record<string, (userId: number, admin: string, own: string) => TestRequest>> = {
    deactivated: (id, as) => ({ method: 'PATCH', url: `/api/v1/users/${id}`, as, body: { is_active: false } }),
    deleted: (id, as) => ({ method: 'DELETE', url: `/api/v1/users/${id}`, as }),
    'with a new password': (_, __, as) => ({
      method: 'POST',
      url: '/api/v1/users/me/password',
      as,
      body: { current_password: PASSWORD, new_password: 'another horse' },
    }),
  };
  for (const [name, ending] of Object.entries(endings)) {
    test(`${name}: access and refresh tokens are void`, async () => {
      const admin = await person('ADMIN');
      const manager = await person('MANAGER');
      expect((await me(manager.access_token)).status).toBe(200);
      const done = await app.request(ending(manager.userId, admin.access_token, manager.access_token));
      expect(done.status).toBeLessThan(300);
      expect((await me(manager.access_token)).status).toBe(401);
      expect((await refresh(manager.refresh_token)).status).toBe(401);
    });
  }

  test('demoted: the new role counts for the old token', async () => {
    const root = await person('SUPERADMIN');
    const admin = await person('ADMIN');
    const list = () => app.request({ url: '/api/v1/users', as: admin.access_token });
    expect((await list()).status).toBe(200);
    const target = { method: 'PATCH', url: `/api/v1/users/${admin.userId}`, as: root.access_token } as const;
    await app.request({ ...target, body: { role: 'USER' } });
    expect((await list()).status).toBe(403);
    await app.request({ ...target, body: { role: 'ADMIN' } });
    expect((await list()).status).toBe(200);
  });

  test('expired access tokens are refused', async () => {
    const { access_token } = await register();
    clock.advance(30 * 60_000 - 1);
    expect((await me(access_token)).status).toBe(200);
    clock.advance(1);
    expect((await me(access_token)).status).toBe(401);
  });
});

test('GET /.well-known/jwks.json verifies the tokens', async () => {
  const { access_token } = await register();
  const response = await app.request({ url: '/.well-known/jwks.json' });
  expect(response.status).toBe(200);
  expect(response.headers['cache-control']).toContain('max-age');
  const { keys } = response.json<{ keys: { kid: string; kty: string; crv: string; x: string }[] }>();
  const [header = '', payload = '', signature = ''] = access_token.split('.');
  const jwk = keys.find(({ kid }) => kid === JSON.parse(Buffer.from(header, 'base64url').toString()).kid);
  const key = createPublicKey({ key: jwk as object, format: 'jwk' });
  expect(verify(null, Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, 'base64url'))).toBe(true);
  expect(response.text).not.toContain('"d"');
});

test('expired refresh tokens can be removed', async () => {
  await register();
  clock.advance(7 * DAY);
  await login();
  expect(await auth.api.removeExpiredTokens()).toBe(0);
  clock.advance(1);
  expect(await auth.api.removeExpiredTokens()).toBe(1);
  expect(await auth.api.removeExpiredTokens()).toBe(0);
});
