import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createEventBus } from '#kernel/events.ts';
import { silentLogger } from '#kernel/logger.ts';
import { MIGRATIONS } from '#main/migrations.ts';
import { type AuthModule, createAuthModule, createUserTokenStore } from '#modules/auth/index.ts';
import { createUsersModule, type UsersApi } from '#modules/users/index.ts';
import { createMemoryCounters } from '#platform/cache/memory-counters.ts';
import { createSecretBox } from '#platform/secrets/secret-box.ts';
import type { SqlStore } from '#platform/sql/sql.port.ts';
import { auditedStore } from '../support/audit.ts';
import { AUTH_SETTINGS, NOBODY_OUTSIDE } from '../support/auth.ts';
import { createTestClock, type TestClock } from '../support/clock.ts';
import { temporaryFolder } from '../support/folders.ts';
import { createTestApp, createTestAuthenticator, type TestApp, type TestRequest } from '../support/http.ts';
import { databaseAt, dropDatabase } from '../support/servers/mariadb.ts';
import { describeWithServer } from '../support/servers.ts';
import { codeOf } from '../support/totp.ts';

/** Users and auth as one process has them, on a database and a folder of keys that others use too. */
interface Replica {
  readonly sql: SqlStore;
  readonly users: UsersApi;
  readonly auth: AuthModule;
  readonly app: TestApp;
}

const EMAIL = 'kim@example.com';
const PASSWORD = 'correct horse';

async function createReplica(url: string, keysFolder: string, clock: TestClock): Promise<Replica> {
  const { createMariadbStore } = await import('#platform/sql/mariadb/mariadb.store.ts');
  const sql = createMariadbStore({ url, migrations: MIGRATIONS });
  await sql.start?.(AbortSignal.timeout(10_000));
  await sql.migrate();
  // Nothing is relayed: what ends has to be seen in the store.
  const events = createEventBus(silentLogger);
  const persistence = { ...auditedStore(sql, clock), secrets: createSecretBox({ folder: keysFolder }) };
  const counters = createMemoryCounters({ clock });
  const { audit } = persistence;
  const users = createUsersModule({ sql, audit, clock, events, tokens: createUserTokenStore(), counters });
  const auth = createAuthModule({
    persistence,
    users: users.api,
    counters,
    events,
    outside: NOBODY_OUTSIDE,
    runtime: { clock, logger: silentLogger },
    settings: { ...AUTH_SETTINGS, keysFolder },
  });
  for (const component of auth.components) await component.start?.(AbortSignal.timeout(5_000));
  const app = await createTestApp({
    routes: [...users.routes, ...auth.routes],
    authenticator: { bearer: auth.api.bearer, device: createTestAuthenticator().device },
    clock,
  });
  return { sql, users: users.api, auth, app };
}

await describeWithServer('mariadb', (server) => {
  describe('two replicas on one database', () => {
    const folder = temporaryFolder();
    const clock = createTestClock();
    let url: string;
    let one: Replica;
    let two: Replica;

    beforeAll(async () => {
      url = databaseAt(server.url);
      [one, two] = (await Promise.all([1, 2].map(() => createReplica(url, folder.path, clock)))) as [Replica, Replica];
    });
    afterAll(async () => {
      for (const { app, sql } of [one, two]) {
        await app.close();
        await sql.stop?.(AbortSignal.timeout(5_000));
      }
      await dropDatabase(url);
      folder.remove();
    });

    const post = ({ app }: Replica, path: string, body?: object, as?: string) =>
      app.request({ method: 'POST', url: `/api/v1/${path}`, ...(body && { body }), ...(as && { as }) });
    const status = async ({ app }: Replica, request: TestRequest) => (await app.request(request)).status;
    const me = (replica: Replica, as: string) => status(replica, { url: '/api/v1/users/me', as });

    test('both print the same code, and of two first users one is', async () => {
      const codes = await Promise.all([one, two].map(({ auth }) => auth.api.setupCode()));
      expect(codes[0]).toBe(codes[1]);
      const answers = await Promise.all(
        [one, two].map((replica, index) =>
          post(replica, 'system/setup', { code: codes[0], email: `root${index}@example.com`, password: PASSWORD }),
        ),
      );
      expect(answers.map((answer) => answer.status).sort()).toEqual([201, 409]);
      for (const { auth } of [one, two]) expect(await auth.api.setupCode()).toBeNull();
    });

    test('a session that is ended at one is refused at the other at once, others are not', async () => {
      await one.users.create({ email: EMAIL, password: PASSWORD, role: 'USER' });
      const signIn = async () =>
        (await post(one, 'auth/login', { email: EMAIL, password: PASSWORD })).json().access_token as string;
      const lost = await signIn();
      clock.advance(1);
      const mine = await signIn();
      for (const replica of [one, two]) expect([await me(replica, lost), await me(replica, mine)]).toEqual([200, 200]);
      const { items } = (await one.app.request({ url: '/api/v1/auth/sessions', as: mine })).json();
      const { id } = items.find(({ current }: { current: boolean }) => !current);
      expect(await status(one, { method: 'DELETE', url: `/api/v1/auth/sessions/${id}`, as: mine })).toBe(204);
      for (const replica of [two, one]) expect([await me(replica, lost), await me(replica, mine)]).toEqual([401, 200]);
    });

    test('a personal access token that is revoked at one is refused at the other at once', async () => {
      const { access_token: as } = (await post(two, 'auth/login', { email: EMAIL, password: PASSWORD })).json();
      const { id, token } = (await post(one, 'auth/tokens', { name: 'export' }, as)).json();
      for (const replica of [one, two]) expect(await me(replica, token)).toBe(200);
      expect(await status(two, { method: 'DELETE', url: `/api/v1/auth/tokens/${id}`, as })).toBe(204);
      for (const replica of [one, two]) expect(await me(replica, token)).toBe(401);
    });

    test('a code of the second factor, and a ticket, are good at one of them', async () => {
      const { access_token: as } = (await post(one, 'auth/login', { email: EMAIL, password: PASSWORD })).json();
      const { secret } = (await post(one, 'auth/2fa/totp', undefined, as)).json();
      await post(two, 'auth/2fa/totp/confirm', { code: codeOf(secret, clock.now()) }, as);
      clock.advance(30_000);
      const ticket = async () => (await post(one, 'auth/login', { email: EMAIL, password: PASSWORD })).json().ticket;
      const finish = async (tickets: readonly string[]) => {
        const code = codeOf(secret, clock.now());
        const halves = [one, two].map((replica, index) =>
          post(replica, 'auth/login/2fa', { ticket: tickets[index], code }),
        );
        return (await Promise.all(halves)).map((answer) => answer.status).sort();
      };
      expect(await finish([await ticket(), await ticket()])).toEqual([200, 401]);
      clock.advance(30_000);
      const same = await ticket();
      expect(await finish([same, same])).toEqual([200, 401]);
    });
  });
});
