import { join } from 'node:path';
import { createEventBus } from '#kernel/events.ts';
import { silentLogger } from '#kernel/logger.ts';
import {
  type AuthModule,
  type AuthModuleDeps,
  type AuthSettings,
  authMigrations,
  createAccountMails,
  createAuthModule,
  createUserTokenStore,
} from '#modules/auth/index.ts';
import { createUsersModule, type UsersApi, usersMigrations } from '#modules/users/index.ts';
import type { AuditReader } from '#platform/audit/audit.port.ts';
import type { CounterStore } from '#platform/cache/cache.port.ts';
import { createMemoryCounters } from '#platform/cache/memory-counters.ts';
import type { Mailer } from '#platform/mail/mail.port.ts';
import { createNoMailer } from '#platform/mail/no-mailer.ts';
import type { IdentityProvider } from '#platform/oauth/oauth.port.ts';
import { createSecretBox } from '#platform/secrets/secret-box.ts';
import type { SqlStore } from '#platform/sql/sql.port.ts';
import { auditedStore } from './audit.ts';
import { createTestClock, type TestClock } from './clock.ts';
import { temporaryFolder } from './folders.ts';
import { createTestApp, createTestAuthenticator, type TestApp, type TestAppOptions } from './http.ts';
import { createJobsHarness, type JobsHarness } from './jobs.ts';
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

/** No provider, and e-mail is off. */
export const NOBODY_OUTSIDE: AuthModuleDeps['outside'] = {
  identityProviders: [],
  mailer: createNoMailer(),
  jobs: { enqueue: () => Promise.reject(new Error('nothing is to be enqueued')) },
};

export interface TestAuthOptions {
  readonly identityProviders?: readonly IdentityProvider[];
  /** Default: e-mail is off. */
  readonly mailer?: Mailer;
  readonly counters?: CounterStore;
  readonly settings?: Partial<AuthSettings>;
  /** Anything of the HTTP edge, such as `trustProxy`. */
  readonly server?: TestAppOptions['server'];
}

/** The modules users and auth on a store of their own, behind the real HTTP edge. */
export interface TestAuth extends TestApp {
  readonly sql: SqlStore;
  readonly clock: TestClock;
  readonly users: UsersApi;
  readonly auth: AuthModule;
  readonly audit: AuditReader;
  /** A worker that the test tells to work; everything is on its clock. */
  readonly jobs: JobsHarness;
}

export async function createTestAuth(options: TestAuthOptions): Promise<TestAuth> {
  const { identityProviders = [], mailer = createNoMailer(), settings = {} } = options;
  const folder = temporaryFolder();
  const sql = await createTestSql(usersMigrations, authMigrations);
  const clock = createTestClock();
  const events = createEventBus(silentLogger);
  const keysFolder = join(folder.path, 'keys');
  const persistence = { ...auditedStore(sql, clock), secrets: createSecretBox({ folder: keysFolder }) };
  const { audit } = persistence;
  const jobs = createJobsHarness(clock);
  const counters = options.counters ?? createMemoryCounters({ clock });
  const publicUrl = settings.publicUrl ?? AUTH_SETTINGS.publicUrl;
  const mails = createAccountMails({ jobs: jobs.jobs, mailer, publicUrl });
  const users = createUsersModule({ sql, audit, clock, events, tokens: createUserTokenStore(), counters, mails });
  const auth = createAuthModule({
    persistence,
    users: users.api,
    counters,
    events,
    outside: { identityProviders, jobs: jobs.jobs, mailer },
    runtime: { clock, logger: silentLogger },
    settings: { ...AUTH_SETTINGS, keysFolder, ...settings },
  });
  jobs.define(auth.jobs);
  await jobs.start();
  for (const component of auth.components) await component.start?.(AbortSignal.timeout(5_000));
  const app = await createTestApp({
    routes: [...users.routes, ...auth.routes],
    authenticator: { bearer: auth.api.bearer, device: createTestAuthenticator().device },
    clock,
    ...(options.server === undefined ? {} : { server: options.server }),
  });
  return {
    ...app,
    sql,
    clock,
    users: users.api,
    auth,
    audit,
    jobs,
    async close() {
      await app.close();
      await jobs.stop();
      for (const component of auth.components) await component.stop?.(AbortSignal.timeout(5_000));
      await sql.stop?.(AbortSignal.timeout(5_000));
      folder.remove();
    },
  };
}
