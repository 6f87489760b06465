import { createHash, timingSafeEqual } from 'node:crypto';
import type { RequestOrigin } from '#kernel/access.ts';
import type { Clock } from '#kernel/clock.ts';
import { isAppError } from '#kernel/errors.ts';
import type { UsersApi } from '#modules/users/index.ts';
import type { RefusalTrail } from '#platform/audit/audit.port.ts';
import type { IdentityProvider } from '#platform/oauth/oauth.port.ts';
import type { MailRequest } from '../account/account-mail.service.ts';
import { authErrors } from '../auth.errors.ts';
import type { TokenPair } from '../auth.ports.ts';
import type { Opening } from '../sessions/opening.ts';
import type { SingleUseTokens } from '../single-use/single-use.service.ts';
import { oauthSignInErrors } from './oauth.errors.ts';
import type { createLinking } from './oauth.linking.ts';
import type { Ticket, TicketSeal } from './oauth.ports.ts';

export interface OAuthServiceDeps {
  readonly providers: readonly IdentityProvider[];
  readonly users: Pick<UsersApi, 'findAccess' | 'recordLogin'>;
  readonly linking: ReturnType<typeof createLinking>;
  readonly tokens: SingleUseTokens;
  readonly seal: TicketSeal;
  readonly sessions: { readonly begin: Opening['begin']; readonly refusals: RefusalTrail };
  readonly runtime: { readonly clock: Clock; readonly settings: OAuthServiceSettings };
}

export interface OAuthServiceSettings {
  /** Where browsers reach this system: `https://iot.example.com`. */
  readonly publicUrl: () => string;
  /** The page that takes over after a sign-in, with `?code=` or `?error=`; null: the callback answers tokens. */
  readonly oauthSuccessUrl: string | null;
}

/** Where to send the browser, and what it has to bring back. */
export interface Departure {
  readonly url: string;
  /** For the callback's address alone, which is `path`. */
  readonly ticket: { readonly value: string; readonly path: string; readonly isSecure: boolean } | null;
}

/** Tokens, or the page to send the browser to. */
export type Arrival = { readonly pair: TokenPair } | { readonly url: string };

export type OAuthService = ReturnType<typeof createOAuthService>;

/** A person looks for a password meanwhile. */
export const TICKET_LIFETIME_MS = 10 * 60_000;
const CODE_LIFETIME_MS = 60_000;
const BASE = '/api/v1/auth/oauth';

/**
 * Sign-in at identity providers. The ticket binds the provider's answer to the browser that began; nothing is kept
 * here meanwhile, so any process may take the answer. All addresses come from the settings, none from a request.
 */
export function createOAuthService(deps: OAuthServiceDeps) {
  const { users, linking, tokens, seal, sessions } = deps;
  const { clock, settings } = deps.runtime;
  const providers = new Map(deps.providers.map((provider) => [provider.name, provider]));

  const addressOf = (name: string, rest = '') =>
    new URL(`${settings.publicUrl()}${BASE}/${encodeURIComponent(name)}${rest}`);

  function providerOf(name: string): IdentityProvider {
    const provider = providers.get(name);
    if (provider === undefined) throw oauthSignInErrors.oauth_provider_not_found();
    return provider;
  }

  /** With a page to take over, a failure that is ours to explain is shown there, by its code. */
  async function orOnPage<T>(page: string | null, work: () => Promise<T>): Promise<T | { readonly url: string }> {
    try {
      return await work();
    } catch (error) {
      if (!isAppError(error) || error.code === 'internal_error') throw error;
      if (page === null || error.kind === 'not_found') throw error;
      return { url: onPage(page, 'error', error.code) };
    }
  }

  /** The page that takes over; null: the callback answers tokens. */
  const pageOf = (isOfConsole: boolean) => (isOfConsole ? `${settings.publicUrl()}/admin` : settings.oauthSuccessUrl);

  function onPage(page: string, name: 'code' | 'error', value: string): string {
    const url = new URL(page);
    url.searchParams.set(name, value);
    return url.href;
  }

  async function identify(name: string, query: string, ticket: Ticket | null, request: MailRequest) {
    const provider = providerOf(name);
    if (ticket === null || ticket.provider !== name || ticket.expiresAt <= clock.now()) {
      throw oauthSignInErrors.oauth_flow_unknown();
    }
    const callback = addressOf(name, '/callback');
    callback.search = query;
    const identity = await provider.complete(callback, ticket.flow);
    const access = await linking.userOf({ ...identity, provider: name }, request);
    if (!access.isActive) throw authErrors.account_inactive();
    return { access, codeChallenge: ticket.codeChallenge };
  }

  /** What the cookie with the ticket is for. */
  function callbackOf(name: string): { readonly path: string; readonly isSecure: boolean } {
    const { pathname, protocol } = addressOf(name, '/callback');
    return { path: pathname, isSecure: protocol === 'https:' };
  }

  return {
    callbackOf,

    list: () =>
      [...providers.values()].map(({ name, label }) => ({ provider: name, label, url: addressOf(name).href })),

    /**
     * @param from the page that begins: `codeChallenge` is of the one that will redeem the one-time code; null: none
     * @throws AppError `oauth_provider_not_found`, `oauth_provider_unavailable`
     */
    async begin(name: string, from: Pick<Ticket, 'codeChallenge' | 'isOfConsole'>): Promise<Departure> {
      const provider = providerOf(name);
      const departure = await orOnPage(pageOf(from.isOfConsole), async () => {
        const { url, flow } = await provider.begin(addressOf(name, '/callback').href);
        const value = seal.seal({ ...from, provider: name, flow, expiresAt: clock.now() + TICKET_LIFETIME_MS });
        return { url, ticket: { value, ...callbackOf(name) } };
      });
      return { ticket: null, ...departure };
    },

    /**
     * @param query as the browser brought it
     * @throws AppError `oauth_provider_not_found`, `oauth_flow_unknown`, `account_inactive`, `second_factor_required`, and what
     * `IdentityProvider.complete` and the linking throw
     */
    async finish(name: string, query: string, sealed: string | null, request: MailRequest): Promise<Arrival> {
      const { origin } = request;
      const startedAt = clock.now();
      const ticket = sealed === null ? null : seal.open(sealed);
      const page = pageOf(ticket?.isOfConsole === true);
      return await orOnPage(page, async () => {
        const { access, codeChallenge } = await identify(name, query, ticket, request).catch(async (error: unknown) => {
          if (isAppError(error) && error.code !== 'oauth_provider_not_found' && error.kind !== 'unavailable') {
            const details = { provider: name, reason: error.code };
            const entry = { actor: null, resourceType: 'user', resourceId: null, action: 'auth.login_failed', details };
            await sessions.refusals.record({ ...entry, origin });
          }
          throw error;
        });
        const { userId } = access;
        if (page !== null) {
          const purpose = { purpose: 'sign_in', lifetimeMs: CODE_LIFETIME_MS } as const;
          const code = await tokens.issue({ ...purpose, userId, challenge: codeChallenge, method: name });
          return { url: onPage(page, 'code', code) };
        }
        const pair = await sessions.begin(access, startedAt, { method: name, origin });
        await users.recordLogin(userId, origin);
        return { pair };
      });
    },

    /**
     * Redeems the one-time code that the page was sent. A code that is refused is used up all the same.
     * @throws AppError `oauth_code_invalid`, `account_inactive`, `second_factor_required` with a ticket
     */
    async redeem(code: string, codeVerifier: string | null, origin: RequestOrigin): Promise<TokenPair> {
      const token = await tokens.take(code, 'sign_in');
      if (token === null || !answers(token.challenge, codeVerifier)) throw oauthSignInErrors.oauth_code_invalid();
      const access = await users.findAccess(token.userId);
      // Sessions that were ended meanwhile, by a new password for example, are ended with this one.
      if (access === null || token.createdAt < access.tokensValidAfter) throw oauthSignInErrors.oauth_code_invalid();
      if (!access.isActive) throw authErrors.account_inactive();
      const pair = await sessions.begin(access, token.createdAt, { method: token.method ?? 'oauth', origin });
      await users.recordLogin(access.userId, origin);
      return pair;
    },
  };
}

/** RFC 9700 section 4.8.2: a verifier without a challenge is refused too, or an injected code would pass. */
function answers(challenge: string | null, verifier: string | null): boolean {
  if (challenge === null || verifier === null) return challenge === verifier;
  const expected = Buffer.from(challenge);
  const computed = Buffer.from(createHash('sha256').update(verifier).digest('base64url'));
  return expected.length === computed.length && timingSafeEqual(expected, computed);
}
