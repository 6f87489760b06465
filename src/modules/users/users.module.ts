import type { Clock } from '#kernel/clock.ts';
import type { EventBus } from '#kernel/events.ts';
import type { AuditTrail } from '#platform/audit/audit.port.ts';
import type { CounterStore } from '#platform/cache/cache.port.ts';
import type { ModuleWith } from '#platform/module/module.port.ts';
import type { MigrationSet, SqlStore } from '#platform/sql/sql.port.ts';
import { createAttempts } from './attempts.ts';
import * as createUsers from './migrations/2026_11_23_01_users.ts';
import * as addUserLanguages from './migrations/2026_11_26_20_user_languages.ts';
import * as addUserCredentials from './migrations/2026_11_27_40_user_credentials.ts';
import { createPasswordHasher } from './password.ts';
import type { UsersApi } from './users.api.ts';
import { userErrors } from './users.errors.ts';
import type { AccountMails, UserTokenStore } from './users.ports.ts';
import { createUserStore } from './users.repository.ts';
import { createUsersRoutes } from './users.routes.ts';
import { createUsersService } from './users.service.ts';

export interface UsersModule extends ModuleWith<'routes'> {
  readonly api: UsersApi;
}

export interface UsersModuleDeps {
  readonly sql: SqlStore;
  readonly audit: AuditTrail;
  readonly clock: Clock;
  readonly events: EventBus;
  readonly tokens: UserTokenStore;
  readonly counters: CounterStore;
  /** Default: none go out. */
  readonly mails?: AccountMails;
}

const NO_MAILS: AccountMails = { isOn: false, send: async () => {}, linkTo: (_purpose, token) => token };

export const usersMigrations: MigrationSet = {
  '2026_11_23_01_users': createUsers,
  '2026_11_26_20_user_languages': addUserLanguages,
  '2026_11_27_40_user_credentials': addUserCredentials,
};

export function createUsersModule({
  sql,
  audit,
  clock,
  events,
  tokens,
  counters,
  mails = NO_MAILS,
}: UsersModuleDeps): UsersModule {
  const store = createUserStore(sql, audit, tokens);
  const service = createUsersService({
    store,
    passwords: createPasswordHasher(),
    attempts: createAttempts({
      counters,
      refusal: (retryAfterSeconds) => userErrors.too_many_wrong_passwords({ details: { retryAfterSeconds } }),
    }),
    mails,
    clock,
    events,
  });
  return {
    name: 'users',
    api: service,
    routes: [{ prefix: '/api/v1/users', routes: createUsersRoutes(service) }],
    relayedEvents: ['user.access_changed', 'user.updated'],
  };
}
