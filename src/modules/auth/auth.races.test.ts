import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql as raw } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createEventBus, type EventBus } from '#kernel/events.ts';
import { silentLogger } from '#kernel/logger.ts';
import { createUsersModule, type UsersApi, usersMigrations } from '#modules/users/index.ts';
import { createAuditTrail } from '#platform/audit/audit.ts';
import { createMemoryCounters } from '#platform/cache/memory-counters.ts';
import { createSecretBox } from '#platform/secrets/secret-box.ts';
import type { SqlStore } from '#platform/sql/sql.port.ts';
import { auditedStore } from '#test/support/audit.ts';
import { AUTH_SETTINGS, NOBODY_OUTSIDE } from '#test/support/auth.ts';
import { createTestClock } from '#test/support/clock.ts';
import { createTestApp, createTestAuthenticator, type TestApp } from '#test/support/http.ts';
import { createTestSql } from '#test/support/sql.ts';
import { type AuthModule, authMigrations, createAuthModule, createUserTokenStore } from './index.ts';

const credentials = { email: 'kim@example.com', password: 'correct horse' };

let folder: string;
let sql: SqlStore;
let users: UsersApi;
let events: EventBus;
let auth: AuthModule;
let app: TestApp;
let userId: number;
/** Called between reading the credentials or the state of the user and using what was read. */
let meanwhile: () => Promise<void>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'auth-'));
  sql = await createTestSql(usersMigrations, authMigrations);
  const clock = createTestClock();
  events = createEventBus(silentLogger);
  const audit = createAuditTrail({ sql, clock });
  users = createUsersModule({
    sql,
    audit,
    clock,
    events,
    tokens: createUserTokenStore(),
    counters: createMemoryCounters({ clock: createTestClock() }),
  }).api;
  meanwhile = async () => {};
  const interrupted: UsersApi = {
    ...users,
    async verifyPassword(given) {
      const access = await users.verifyPassword(given);
      await meanwhile();
      return access;
    },
    async findAccess(id) {
      const access = await users.findAccess(id);
      await meanwhile();
      return access;
    },
  };
  auth = createAuthModule({
    persistence: { ...auditedStore(sql, clock), secrets: createSecretBox({ folder: join(folder, 'keys') }) },
    users: interrupted,
    counters: createMemoryCounters({ clock }),
    events,
    outside: NOBODY_OUTSIDE,
    runtime: { clock, logger: silentLogger },
    settings: { ...AUTH_SETTINGS, keysFolder: folder },
  });
  for (const component of auth.components) await component.start?.(AbortSignal.timeout(5000));
  app = await createTestApp({
    routes: auth.routes,
    authenticator: { bearer: auth.api.bearer, device: createTestAuthenticator().device },
  });
  userId = (await users.create({ ...credentials, role: 'USER' })).id;
});
afterEach(async () => {
  await app.close();
  await sql.stop?.(AbortSignal.timeout(1000));
  await rm(folder, { recursive: true, force: true });
});

const post = async (path: string, body: object) => {
  const response = await app.request({ method: 'POST', url: `/api/v1/auth${path}`, body });
  return { status: response.status, ...response.json<{ access_token: string; refresh_token: string }>() };
};

/** Ends the sessions once, at the next interruption. */
function endSessionsMeanwhile(): void {
  meanwhile = async () => {
    meanwhile = async () => {};
    await users.endSessions({ userId, role: 'USER' });
  };
}

describe('sessions that end while', () => {
  test('a sign-in is on its way end that one too', async () => {
    endSessionsMeanwhile();
    const pair = await post('/login', credentials);
    await expect(auth.api.bearer(pair.access_token)).rejects.toMatchObject({ kind: 'unauthenticated' });
    expect((await post('/refresh', { refresh_token: pair.refresh_token })).status).toBe(401);
    const next = await post('/login', credentials);
    expect(await auth.api.bearer(next.access_token)).toMatchObject({ userId, role: 'USER' });
  });

  test('a refresh is on its way void what it hands out', async () => {
    const first = await post('/login', credentials);
    endSessionsMeanwhile();
    const second = await post('/refresh', { refresh_token: first.refresh_token });
    if (second.status === 200) {
      await expect(auth.api.bearer(second.access_token)).rejects.toMatchObject({ kind: 'unauthenticated' });
      expect((await post('/refresh', { refresh_token: second.refresh_token })).status).toBe(401);
    }
    expect((await post('/refresh', { refresh_token: first.refresh_token })).status).toBe(401);
  });

  test('a request is on its way are over for the next one', async () => {
    const { access_token } = await post('/login', credentials);
    endSessionsMeanwhile();
    await auth.api.bearer(access_token).catch(() => {});
    await expect(auth.api.bearer(access_token)).rejects.toMatchObject({ kind: 'unauthenticated' });
  });

  test('nobody is told of are over in the store, in the very transaction', async () => {
    const { access_token, refresh_token } = await post('/login', credentials);
    // As a process does that is killed after the commit: whatever listens to events never hears of it.
    const elsewhere = createUsersModule({
      sql,
      audit: createAuditTrail({ sql, clock: createTestClock() }),
      clock: createTestClock(),
      events: createEventBus(silentLogger),
      tokens: createUserTokenStore(),
      counters: createMemoryCounters({ clock: createTestClock() }),
    });
    await elsewhere.api.endSessions({ userId, role: 'USER' });
    const { rows } = await raw<{ is_revoked: number }>`select is_revoked from refresh_tokens`.execute(sql.db());
    expect(rows).toEqual([{ is_revoked: 1 }]);
    await expect(auth.api.bearer(access_token)).rejects.toMatchObject({ kind: 'unauthenticated' });
    expect((await post('/refresh', { refresh_token })).status).toBe(401);
  });
});
