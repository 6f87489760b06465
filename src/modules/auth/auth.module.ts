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
import { resealAtStart, type SecretBox } from '#platform/secrets/secret-box.port.ts';
import type { MigrationSet, SqlStore } from '#platform/sql/sql.port.ts';
import { createAccessTokens } from './access-tokens.ts';
import { createAccountJobs } from './account/account.jobs.ts';
import { createAccountPageRoutes, createAccountRoutes } from './account/account.routes.ts';
import { createAccountService } from './account/account.service.ts';
import { createAccountMailService } from './account/account-mail.service.ts';
import type { AuthApi } from './auth.api.ts';
import { createAuthJobs } from './auth.jobs.ts';
import { createAuthRoutes, createJwksRoutes } from './auth.routes.ts';
import { createAuthService } from './auth.service.ts';
import { createCodeAttempts, createLoginThrottle, createMailThrottle, createUsageLimits } from './auth.throttles.ts';
import { createAuthenticator } from './authenticator.ts';
import { createKnownNetworks } from './known-networks/known-networks.repository.ts';
import { createKnownNetworksService } from './known-networks/known-networks.service.ts';
import * as createAuth from './migrations/2026_11_23_02_auth.ts';
import * as createSingleUse from './migrations/2026_11_24_40_single_use_tokens.ts';
import * as createOAuthAccounts from './migrations/2026_11_24_41_oauth_accounts.ts';
import * as addRefreshSuccessors from './migrations/2026_11_26_42_refresh_successors.ts';
import * as createSignInNetworks from './migrations/2026_11_26_43_sign_in_networks.ts';
import * as createSessions from './migrations/2026_11_27_41_sessions.ts';
import * as createSecondFactors from './migrations/2026_11_27_42_second_factors.ts';
import * as createPersonalTokens from './migrations/2026_11_27_43_personal_tokens.ts';
import * as markKnownPasswords from './migrations/2026_11_27_44_known_passwords.ts';
import { createOAuthAccountsRoutes } from './oauth/oauth.accounts.routes.ts';
import { createOAuthAccountsService } from './oauth/oauth.accounts.service.ts';
import { createLinking } from './oauth/oauth.linking.ts';
import { createOAuthAccountStore } from './oauth/oauth.repository.ts';
import { createOAuthRoutes } from './oauth/oauth.routes.ts';
import { createOAuthService } from './oauth/oauth.service.ts';
import { createTicketSeal } from './oauth/ticket-seal.ts';
import { createPersonalTokenVerifier } from './personal-tokens/personal-token-verifier.ts';
import { createPersonalTokenStore } from './personal-tokens/personal-tokens.repository.ts';
import { createPersonalTokensRoutes } from './personal-tokens/personal-tokens.routes.ts';
import { createPersonalTokensService } from './personal-tokens/personal-tokens.service.ts';
import { createRefreshCookie } from './refresh-cookie.ts';
import { createOpening } from './sessions/opening.ts';
import { createSessionStore } from './sessions/sessions.repository.ts';
import { createSessionsRoutes } from './sessions/sessions.routes.ts';
import { createSessionsService } from './sessions/sessions.service.ts';
import { setupErrors } from './setup/setup.errors.ts';
import { createSetupRoutes } from './setup/setup.routes.ts';
import { createSetupService } from './setup/setup.service.ts';
import { createSigningKeys } from './signing-keys.ts';
import { createSingleUseTokenRepository } from './single-use/single-use.repository.ts';
import { createSingleUseTokens } from './single-use/single-use.service.ts';
import { createSecondFactorTickets } from './two-factor/tickets.ts';
import { twoFactorErrors } from './two-factor/two-factor.errors.ts';
import { createSecondFactorStore } from './two-factor/two-factor.repository.ts';
import { createTwoFactorRoutes } from './two-factor/two-factor.routes.ts';
import { createTwoFactorService } from './two-factor/two-factor.service.ts';

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
  readonly persistence: {
    readonly sql: SqlStore;
    readonly audit: AuditTrail;
    readonly refusals: RefusalTrail;
    readonly secrets: SecretBox;
  };
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

export interface AuthModule extends ModuleWith<'routes' | 'jobs' | 'components' | 'relayedEvents'> {
  readonly api: AuthApi;
}

export { createUserTokenStore } from './user-tokens.repository.ts';

export const authMigrations: MigrationSet = {
  '2026_11_23_02_auth': createAuth,
  '2026_11_24_40_single_use_tokens': createSingleUse,
  '2026_11_24_41_oauth_accounts': createOAuthAccounts,
  '2026_11_26_42_refresh_successors': addRefreshSuccessors,
  '2026_11_26_43_sign_in_networks': createSignInNetworks,
  '2026_11_27_41_sessions': createSessions,
  '2026_11_27_42_second_factors': createSecondFactors,
  '2026_11_27_43_personal_tokens': createPersonalTokens,
  '2026_11_27_44_known_passwords': markKnownPasswords,
};

export function createAuthModule(deps: AuthModuleDeps): AuthModule {
  const { users, counters, settings } = deps;
  const events = deps.events.scope();
  const { sql, audit, refusals, secrets } = deps.persistence;
  const { clock, logger } = deps.runtime;
  const { identityProviders } = deps.outside;

  // What everything below is proven by
  const keys = createSigningKeys({ folder: settings.keysFolder });
  const tokens = createAccessTokens({ keys, clock, lifetime: settings.accessTokenMinutes * 60 });
  const singleUse = createSingleUseTokens({ repository: createSingleUseTokenRepository(sql), clock });
  const limits = createUsageLimits({ counters: deps.usageCounters ?? counters });
  const networks = createKnownNetworksService({ networks: createKnownNetworks(sql), users, clock });
  const mail = createAccountMailService({
    users,
    tokens: singleUse,
    throttle: createMailThrottle({ counters }),
    background: deps.outside,
    logger,
    publicUrl: settings.publicUrl,
  });

  // Sessions, and what begins one
  const store = createSessionStore(sql, audit, users);
  const tickets = createSecondFactorTickets({ tokens: singleUse });
  const runtime = { clock, events };
  const opening = createOpening({ store, accessTokens: tokens, limits, networks, tickets, runtime, settings });
  const service = createAuthService({
    users,
    store,
    opening,
    throttle: createLoginThrottle({ counters, isKnown: networks.isKnown }),
    limits,
    refusals,
    mail,
    runtime,
    settings,
  });
  const twoFactor = createTwoFactorService({
    users,
    store: createSecondFactorStore(sql, audit, users),
    secrets,
    attempts: createCodeAttempts(counters, twoFactorErrors.too_many_codes),
    sessions: { opening, tickets, networks },
    refusals,
    clock,
  });
  const accounts = createOAuthAccountStore(sql, audit);
  const linking = createLinking({
    users,
    store: accounts,
    clock,
    registrationOpen: settings.registrationOpen,
    limits,
    mail,
  });
  const oauth = createOAuthService({
    providers: identityProviders,
    users,
    linking,
    tokens: singleUse,
    seal: createTicketSeal({ keys }),
    sessions: { begin: opening.begin, refusals },
    runtime: { clock, settings },
  });
  const setup = createSetupService({
    users,
    keys,
    attempts: createCodeAttempts(counters, setupErrors.too_many_setup_codes),
    opening,
  });

  // What users do about them
  const account = createAccountService({ users, tokens: singleUse, mail, trail: refusals, networks });
  const sessions = createSessionsService({ store, clock, events });
  const personal = createPersonalTokenStore(sql, audit, users);
  const personalTokens = createPersonalTokensService({ store: personal, clock, events });
  const providers = new Set(identityProviders.map(({ name }) => name));
  const oauthAccounts = createOAuthAccountsService({ users, store: accounts, providers });
  const cookie = createRefreshCookie(settings);
  events.on('auth.refresh_token_reused', ({ data }) =>
    logger.warn(data, 'a revoked refresh token was presented again; its family is revoked'),
  );

  const api: AuthApi = {
    ...createAuthenticator({
      tokens,
      personalTokens: createPersonalTokenVerifier({ tokens: () => personal.tokens, clock }),
      sessions: () => store.sessions,
      users,
      changeToken: () => sql.changeToken(),
      clock,
    }),
    signIn: (credentials, origin) => service.login(credentials, origin),
    signInWithCode: ({ ticket, code }, origin) => twoFactor.signIn(ticket, code, origin),
    setupCode: setup.code,
    signInCode: (userId) =>
      singleUse.issue({ userId, purpose: 'sign_in', lifetimeMs: LINK_LIFETIME_MS, method: 'link' }),
    async removeExpiredTokens() {
      await networks.removeOld();
      const ended = await service.removeExpiredTokens();
      return ended + (await singleUse.removeExpired()) + (await personalTokens.removeExpired());
    },
  };
  const base = '/api/v1/auth';
  const waysIn = { registrationOpen: settings.registrationOpen, sendsEmail: deps.outside.mailer.isConfigured };
  return {
    name: 'auth',
    listens: events,
    api,
    routes: [
      { prefix: base, routes: createAuthRoutes(service, cookie), cookies: true },
      { prefix: base, routes: createTwoFactorRoutes(twoFactor, cookie), cookies: true },
      { prefix: base, routes: createAccountRoutes(account) },
      { prefix: `${base}/sessions`, routes: createSessionsRoutes(sessions, cookie), cookies: true },
      { prefix: `${base}/tokens`, routes: createPersonalTokensRoutes(personalTokens) },
      { prefix: `${base}/oauth`, routes: createOAuthRoutes(oauth, cookie), cookies: true },
      { prefix: `${base}/oauth-accounts`, routes: createOAuthAccountsRoutes(oauthAccounts) },
      { prefix: '/api/v1/system/setup', routes: createSetupRoutes(setup, cookie, waysIn), cookies: true },
      { prefix: '/auth', routes: createAccountPageRoutes() },
      { prefix: '/.well-known', routes: createJwksRoutes(keys.jwks) },
    ],
    jobs: [...createAuthJobs(api), ...createAccountJobs(mail)],
    relayedEvents: ['auth.access_ended'],
    // The keys before anything that takes tokens.
    components: [
      keys,
      { roles: ['api'], name: 'second factors', start: () => resealAtStart(secrets, twoFactor.sealed, logger) },
    ],
  };
}
/** Of a link that signs in: somebody copies it from a terminal meanwhile. */
const LINK_LIFETIME_MS = 10 * 60_000;
