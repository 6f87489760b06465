import type { Clock } from '#kernel/clock.ts';
import type { EventBus } from '#kernel/events.ts';
import { createId, createSecret, hashSecret } from '#kernel/ids.ts';
import type { EmailAndPassword, NewUser, UserAccess, UsersApi } from '#modules/users/index.ts';
import { authErrors } from './auth.errors.ts';
import type { AccessTokens, LoginThrottle, NewRefreshToken, RefreshTokenStore } from './auth.ports.ts';

export interface AuthServiceDeps {
  readonly users: UsersApi;
  readonly store: RefreshTokenStore;
  readonly accessTokens: AccessTokens;
  readonly throttle: LoginThrottle;
  readonly clock: Clock;
  readonly events: EventBus;
  readonly settings: { readonly registrationOpen: boolean; readonly refreshTokenDays: number };
}

export interface TokenPair {
  readonly accessToken: string;
  readonly refreshToken: string;
  /** Seconds until the access token expires. */
  readonly expiresIn: number;
}

export type AuthService = ReturnType<typeof createAuthService>;

const DAY_MS = 86_400_000;

/**
 * Signing in and out. Every token counts as issued at the instant before its credentials were read: whatever
 * ends a user's sessions while a sign-in or a refresh is still on its way ends that one too.
 */
export function createAuthService(deps: AuthServiceDeps) {
  const { users, store, accessTokens, throttle, clock, events, settings } = deps;

  /** Issues a pair; the caller stores the record of the refresh token. */
  function issue(access: UserAccess, familyId: string, credentialsReadAt: number): [TokenPair, NewRefreshToken] {
    const { userId, role, tokensValidAfter } = access;
    // Sessions that ended in this very millisecond, before this one began, do not count against it.
    const issuedAt = Math.max(credentialsReadAt, tokensValidAfter);
    const refreshToken = createSecret();
    return [
      {
        accessToken: accessTokens.issue({ userId, role, issuedAt }),
        refreshToken,
        expiresIn: accessTokens.lifetime,
      },
      {
        userId,
        tokenHash: hashSecret(refreshToken),
        familyId,
        expiresAt: issuedAt + settings.refreshTokenDays * DAY_MS,
        createdAt: issuedAt,
      },
    ];
  }

  async function open(access: UserAccess, credentialsReadAt: number): Promise<TokenPair> {
    const [pair, record] = issue(access, createId(), credentialsReadAt);
    await store.tokens.insert(record);
    return pair;
  }

  return {
    /** Makes a USER and signs it in. @throws AppError `registration_closed`, `email_taken` */
    async register(user: Omit<NewUser, 'role'>, address: string): Promise<TokenPair> {
      if (!settings.registrationOpen) throw authErrors.registration_closed();
      const { id: userId, role, createdAt } = await users.create({ ...user, role: 'USER' }, address);
      return open({ userId, role, isActive: true, tokensValidAfter: 0 }, createdAt);
    },

    /** @throws AppError `invalid_credentials`, `account_inactive`, `too_many_logins`, `password_checks_busy` */
    async login(credentials: EmailAndPassword, address: string): Promise<TokenPair> {
      const startedAt = clock.now();
      const account = credentials.email.trim().toLowerCase();
      const access = await throttle.attempt(account, address, () => users.verifyPassword(credentials, address));
      if (access === null) throw authErrors.invalid_credentials();
      if (!access.isActive) throw authErrors.account_inactive();
      const pair = await open(access, startedAt);
      await users.recordLogin(access.userId);
      return pair;
    },

    /**
     * Exchanges a refresh token for a new pair. One that was exchanged or revoked before takes its whole
     * family with it: either the thief or the owner holds a copy, and both have to sign in again.
     * @throws AppError `invalid_refresh_token`
     */
    async refresh(refreshToken: string): Promise<TokenPair> {
      const startedAt = clock.now();
      const tokenHash = hashSecret(refreshToken);
      const presented = await store.tokens.findByHash(tokenHash);
      if (presented === null) throw authErrors.invalid_refresh_token();
      const { userId, familyId } = presented;
      const access = await users.findAccess(userId);

      const outcome = await store.transaction(async (tokens) => {
        const token = await tokens.findByHash(tokenHash);
        if (token === null) return 'invalid';
        if (token.isRevoked) {
          await tokens.revokeFamily(familyId, startedAt);
          return 'reused';
        }
        if (token.expiresAt <= startedAt) return 'invalid';
        await tokens.revoke(token.id, startedAt);
        // The user's state decides even when revoking its tokens is still on its way.
        if (access === null || !access.isActive || token.createdAt < access.tokensValidAfter) return 'invalid';
        const [pair, record] = issue(access, familyId, startedAt);
        await tokens.insert(record);
        return pair;
      });

      if (outcome === 'reused') {
        events.emit('auth.refresh_token_reused', clock.now(), { user_id: userId, family_id: familyId });
      }
      if (typeof outcome === 'string') throw authErrors.invalid_refresh_token();
      return outcome;
    },

    /** Ends every session of the user, on every device. */
    async logout(userId: number): Promise<void> {
      await users.endSessions(userId);
      await store.tokens.revokeAllOf(userId, clock.now());
    },

    async revokeAllOf(userId: number): Promise<void> {
      await store.tokens.revokeAllOf(userId, clock.now());
    },

    async removeExpiredTokens(): Promise<number> {
      return store.tokens.removeExpired(clock.now());
    },
  };
}
