import type { Clock } from '#kernel/clock.ts';
import type { EventBus } from '#kernel/events.ts';
import type { Logger } from '#kernel/logger.ts';
import type { UsersApi } from '#modules/users/index.ts';
import type { AuditTrail, RefusalTrail } from '#platform/audit/audit.port.ts';
import type { CounterStore } from '#platform/cache/cache.port.ts';
import type { JobQueue } from '#platform/jobs/jobs.port.ts';
import type { Mailer } from '#platform/mail/mail.port.ts';
import type { ModuleWith } from '#platform/module/module.port.ts';
import type { IdentityProvider } from '#platform/oauth/oauth.port.ts';
import type { MigrationSet, SqlStore } from '#platform/sql/sql.port.ts';
import { createAccessTokens } from './access-tokens.ts';
import { createAccountJobs } from './account/account.jobs.ts';
import { createAccountPageRoutes, createAccountRoutes } from './account/account.routes.ts';
import { createAccountService } from './account/account.service.ts';
import { createAccountMailService } from './account/account-mail.service.ts';
import type { AuthApi } from './auth.api.ts';
import { createAuthJobs } from './auth.jobs.ts';
import { createRefreshTokenStore } from './auth.repository.ts';
import { createAuthRoutes, createJwksRoutes } from './auth.routes.ts';
import { createAuthService } from './auth.service.ts';
import { createLoginThrottle, createMailThrottle, createUsageLimits } from './auth.throttles.ts';
import { createAuthenticator } from './authenticator.ts';
import { createKnownNetworks } from './known-networks/known-networks.repository.ts';
import { createKnownNetworksService } from './known-networks/known-networks.service.ts';
import * as createAuth from './migrations/2026_11_23_02_auth.ts';
import * as createSingleUse from './migrations/2026_11_24_40_single_use_tokens.ts';
import * as createOAuthAccounts from './migrations/2026_11_24_41_oauth_accounts.ts';
import * as addRefreshSuccessors from './migrations/2026_11_26_42_refresh_successors.ts';
import * as createSignInNetworks from './migrations/2026_11_26_43_sign_in_networks.ts';
import { createLinking } from './oauth/oauth.linking.ts';
import { createOAuthAccountStore } from './oauth/oauth.repository.ts';
import { createOAuthRoutes } from './oauth/oauth.routes.ts';
import { createOAuthService } from './oauth/oauth.service.ts';
import { createTicketSeal } from './oauth/ticket-seal.ts';
import { createSigningKeys } from './signing-keys.ts';
import { createSingleUseTokenRepository } from './single-use/single-use.repository.ts';
import { createSingleUseTokens } from './single-use/single-use.service.ts';

export interface AuthSettings {
  /** Where the signing keys are; made on the first start. */
  readonly keysFolder: string;
  readonly accessTokenMinutes: number;
  readonly refreshTokenDays: number;
  readonly registrationOpen: boolean;
  /** Where browsers reach this system, without a slash at the end. */
  readonly publicUrl: () => string;
  /** The page that takes over after a sign-in at a provider; null: the callback answers tokens. */
  readonly oauthSuccessUrl: string | null;
}

export interface AuthModuleDeps {
  readonly persistence: { readonly sql: SqlStore; readonly audit: AuditTrail; readonly refusals: RefusalTrail };
  readonly users: UsersApi;
  readonly counters: CounterStore;
  /** For what is no matter of guesses: goes on counting while the shared counters are away. Default: `counters`. */
  readonly usageCounters?: CounterStore;
  readonly events: EventBus;
  /** What proves who somebody is, beside a password: an account elsewhere, a mailbox. */
  readonly outside: {
    readonly identityProviders: readonly IdentityProvider[];
    readonly jobs: JobQueue;
    readonly mailer: Mailer;
  };
  readonly runtime: { readonly clock: Clock; readonly logger: Logger };
  readonly settings: AuthSettings;
}

export interface AuthModule extends ModuleWith<'routes' | 'jobs' | 'components'> {
  readonly api: AuthApi;
}

export { createUserTokenStore } from './user-tokens.repository.ts';

export const authMigrations: MigrationSet = {
  '2026_11_23_02_auth': createAuth,
  '2026_11_24_40_single_use_tokens': createSingleUse,
  '2026_11_24_41_oauth_accounts': createOAuthAccounts,
  '2026_11_26_42_refresh_successors': addRefreshSuccessors,
  '2026_11_26_43_sign_in_networks': createSignInNetworks,
};

export function createAuthModule(deps: AuthModuleDeps): AuthModule {
  const { users, counters, settings } = deps;
  const events = deps.events.scope();
  const { sql, audit, refusals } = deps.persistence;
  const { clock, logger } = deps.runtime;
  const limits = createUsageLimits({ counters: deps.usageCounters ?? counters });
  const keys = createSigningKeys({ folder: settings.keysFolder });
  const tokens = createAccessTokens({ keys, clock, lifetime: settings.accessTokenMinutes * 60 });
  const singleUse = createSingleUseTokens({ repository: createSingleUseTokenRepository(sql), clock });
  const mail = createAccountMailService({
    users,
    tokens: singleUse,
    throttle: createMailThrottle({ counters }),
    background: deps.outside,
    logger,
    publicUrl: settings.publicUrl,
  });
  const networks = createKnownNetworksService({ networks: createKnownNetworks(sql), users, clock });
  const service = createAuthService({
    users,
    mail,
    store: createRefreshTokenStore(sql, audit),
    accessTokens: tokens,
    throttle: createLoginThrottle({ counters, isKnown: networks.isKnown }),
    limits,
    networks,
    refusals,
    clock,
    events,
    settings,
  });
  const account = createAccountService({
    users,
    tokens: singleUse,
    mail,
    trail: refusals,
    networks,
  });
  const oauth = createOAuthService({
    providers: deps.outside.identityProviders,
    users,
    linking: createLinking({
      users,
      store: createOAuthAccountStore(sql, audit),
      clock,
      registrationOpen: settings.registrationOpen,
      limits,
      mail,
    }),
    tokens: singleUse,
    seal: createTicketSeal({ keys }),
    sessions: { open: service.open, refusals },
    runtime: { clock, settings },
  });
  events.on('auth.refresh_token_reused', ({ data }) =>
    logger.warn(data, 'a revoked refresh token was presented again; its family is revoked'),
  );
  const api: AuthApi = {
    ...createAuthenticator({ tokens, users, changeToken: () => sql.changeToken() }),
    signIn: (credentials, origin) => service.login(credentials, origin),
    async removeExpiredTokens() {
      await networks.removeOld();
      return (await service.removeExpiredTokens()) + (await singleUse.removeExpired());
    },
  };
  return {
    name: 'auth',
    listens: events,
    api,
    routes: [
      { prefix: '/api/v1/auth', routes: createAuthRoutes(service) },
      { prefix: '/api/v1/auth', routes: createAccountRoutes(account) },
      { prefix: '/auth', routes: createAccountPageRoutes() },
      { prefix: '/api/v1/auth/oauth', routes: createOAuthRoutes(oauth), cookies: true },
      { prefix: '/.well-known', routes: createJwksRoutes(keys.jwks) },
    ],
    jobs: [...createAuthJobs(api), ...createAccountJobs(mail)],
    // The keys before anything that takes tokens.
    components: [keys],
  };
}
