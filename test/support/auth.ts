import { join } from 'node:path';
import { createEventBus } from '#kernel/events.ts';
import { silentLogger } from '#kernel/logger.ts';
import { type AuthModule, type AuthSettings, authMigrations, createAuthModule } from '#modules/auth/index.ts';
import { createUsersModule, type UsersApi, usersMigrations } from '#modules/users/index.ts';
import type { AuditReader } from '#platform/audit/audit.port.ts';
import { createAuditTrail } from '#platform/audit/audit.ts';
import { createMemoryCounters } from '#platform/cache/memory-counters.ts';
import type { IdentityProvider } from '#platform/oauth/oauth.port.ts';
import type { SqlStore } from '#platform/sql/sql.port.ts';
import { createTestClock, type TestClock } from './clock.ts';
import { temporaryFolder } from './folders.ts';
import { createTestApp, createTestAuthenticator, type TestApp } from './http.ts';
import { createTestSql } from './sql.ts';

/** Settings of the auth module as an installation has them that sets nothing; `keysFolder` is to be replaced. */
export const AUTH_SETTINGS: AuthSettings = {
  keysFolder: '',
  accessTokenMinutes: 30,
  refreshTokenDays: 7,
  registrationOpen: true,
  publicUrl: () => 'http://127.0.0.1:8000',
  oauthSuccessUrl: null,
};

export interface TestAuthOptions {
  readonly identityProviders?: readonly IdentityProvider[];
  readonly settings?: Partial<AuthSettings>;
}

/** The modules users and auth on a store of their own, behind the real HTTP edge. */
export interface TestAuth extends TestApp {
  readonly sql: SqlStore;
  readonly clock: TestClock;
  readonly users: UsersApi;
  readonly auth: AuthModule;
  readonly audit: AuditReader;
}

export async function createTestAuth({ identityProviders = [], settings = {} }: TestAuthOptions): Promise<TestAuth> {
  const folder = temporaryFolder();
  const sql = await createTestSql(usersMigrations, authMigrations);
  const clock = createTestClock();
  const events = createEventBus(silentLogger);
  const audit = createAuditTrail({ sql, clock });
  const users = createUsersModule({ sql, audit, clock, events });
  const auth = createAuthModule({
    persistence: { sql, audit },
    users: users.api,
    counters: createMemoryCounters({ clock }),
    events,
    identityProviders,
    runtime: { clock, logger: silentLogger },
    settings: { ...AUTH_SETTINGS, keysFolder: join(folder.path, 'keys'), ...settings },
  });
  for (const component of auth.components) await component.start?.(AbortSignal.timeout(5_000));
  const app = await createTestApp({
    routes: [...users.routes, ...auth.routes],
    authenticator: { bearer: auth.api.bearer, device: createTestAuthenticator().device },
    clock,
  });
  return {
    ...app,
    sql,
    clock,
    users: users.api,
    auth,
    audit,
    async close() {
      await app.close();
      for (const component of auth.components) await component.stop?.(AbortSignal.timeout(5_000));
      await sql.stop?.(AbortSignal.timeout(5_000));
      folder.remove();
    },
  };
}
