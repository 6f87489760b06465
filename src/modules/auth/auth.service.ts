import type { Principal, RequestOrigin } from '#kernel/access.ts';
import type { Clock } from '#kernel/clock.ts';
import { isAppError } from '#kernel/errors.ts';
import type { EventBus } from '#kernel/events.ts';
import { createSecret, hashSecret } from '#kernel/ids.ts';
import type { EmailAndPassword, NewUser, UserAccess, UsersApi } from '#modules/users/index.ts';
import type { RefusalTrail } from '#platform/audit/audit.port.ts';
import type { AccountMailService, MailRequest } from './account/account-mail.service.ts';
import { authErrors } from './auth.errors.ts';
import type { LoginThrottle, RefreshToken, TokenPair, UsageLimits } from './auth.ports.ts';
import { type Opening, useOf } from './sessions/opening.ts';
import type { SessionStore } from './sessions/sessions.ports.ts';
import { GRACE_MS, successorOf } from './successor.ts';

export interface AuthServiceDeps {
  readonly users: UsersApi;
  readonly store: SessionStore;
  readonly opening: Opening;
  readonly throttle: LoginThrottle;
  readonly limits: UsageLimits;
  readonly refusals: RefusalTrail;
  readonly mail: Pick<AccountMailService, 'welcome'>;
  readonly runtime: { readonly clock: Clock; readonly events: EventBus };
  readonly settings: { readonly registrationOpen: boolean };
}

/** How long it is known of a session that it has ended: longer than any access token lives. */
const KEPT_MS = 7 * 86_400_000;
/** Of a user that was made this moment. */
const NEW_ACCESS = { isActive: true, tokensValidAfter: 0, credentialsVersion: 0, hasSecondFactor: false } as const;

export type AuthService = ReturnType<typeof createAuthService>;

/**
 * Signing in and out. Whatever ends a user's sessions while a sign-in or a refresh is still on its way ends that one
 * too, see `createOpening`.
 */
export function createAuthService(deps: AuthServiceDeps) {
  const { users, store, opening, throttle, limits, refusals, mail, settings } = deps;
  const { clock, events } = deps.runtime;

  /** A refused sign-in. The e-mail is the one that was typed, whether or not somebody has it. */
  async function refuse(email: string, reason: string, origin: RequestOrigin, userId?: number): Promise<void> {
    const details = { email, reason };
    await refusals.record({ actor: null, origin, ...on(userId), action: 'auth.login_failed', details });
  }

  return {
    /**
     * Makes a USER, sends it a mail and signs it in. Attempts count: what they answer tells who has an account.
     * @throws AppError `registration_closed`, `too_many_registrations`, `email_taken`
     */
    async register(user: Omit<NewUser, 'role'>, request: MailRequest): Promise<TokenPair> {
      if (!settings.registrationOpen) throw authErrors.registration_closed();
      const { origin } = request;
      await limits.countRegistration(origin.ip);
      const { id: userId, email, role, createdAt } = await users.create({ ...user, role: 'USER' }, origin);
      await mail.welcome(email, request);
      const access = { ...NEW_ACCESS, userId, role };
      return await opening.begin(access, createdAt, { method: 'registration', origin });
    },

    /**
     * @throws AppError `invalid_credentials`, `account_inactive`, `second_factor_required` with a ticket,
     * `too_many_logins`, `too_many_sign_ins`, `password_checks_busy`
     */
    async login(credentials: EmailAndPassword, origin: RequestOrigin): Promise<TokenPair> {
      const startedAt = clock.now();
      const account = credentials.email.trim().toLowerCase();
      const noteLimit = async (error: unknown): Promise<never> => {
        if (isAppError(error) && error.kind === 'limited') await refuse(account, error.code, origin);
        throw error;
      };
      const access = await throttle
        .attempt(account, origin.ip, () => users.verifyPassword(credentials, origin.ip))
        .catch(noteLimit);
      if (access === null) {
        await refuse(account, 'invalid_credentials', origin);
        throw authErrors.invalid_credentials();
      }
      if (!access.isActive) {
        await refuse(account, 'account_inactive', origin, access.userId);
        throw authErrors.account_inactive();
      }
      const pair = await opening.begin(access, startedAt, { method: 'password', origin }).catch(noteLimit);
      await users.recordLogin(access.userId, origin);
      return pair;
    },

    /**
     * Exchanges a refresh token for a new pair. Presented again within `GRACE_MS`, it answers the same refresh token:
     * two tabs did it, or the answer was lost. Later, or when its successor was revoked, it takes its whole family with
     * it: either the thief or the owner holds a copy, and both have to sign in again.
     * @throws AppError `invalid_refresh_token`, `too_many_sign_ins`
     */
    async refresh(refreshToken: string, origin: RequestOrigin): Promise<TokenPair> {
      const startedAt = clock.now();
      const tokenHash = hashSecret(refreshToken);
      const presented = await store.tokens.findByHash(tokenHash);
      if (presented === null) throw authErrors.invalid_refresh_token();
      const { userId, familyId } = presented;
      const access = await users.findAccess(userId);
      /** The user's state decides too: what was issued before its sessions ended is void. */
      const accessBy = ({ expiresAt, createdAt }: RefreshToken): UserAccess | null =>
        access?.isActive === true && expiresAt > startedAt && createdAt >= access.tokensValidAfter ? access : null;

      const grantedNow = presented.isRevoked ? null : accessBy(presented);
      if (grantedNow !== null) await limits.countRefresh(grantedNow);

      const reuse = {
        actor: null,
        origin,
        ...on(userId),
        action: 'auth.refresh_token_reused',
        details: { family_id: familyId },
      };
      const outcome = await store.transaction(async ({ tokens, sessions, credentials, audit }) => {
        const token = await tokens.findByHash(tokenHash);
        if (token === null) return 'invalid';
        const salt = saltToAnswerAgain(token, startedAt);
        if (salt !== null) {
          const successor = successorOf(refreshToken, salt);
          const issued = await tokens.findByHash(hashSecret(successor));
          // One that was itself exchanged is answered too; one that was revoked by anything else has ended.
          if (issued === null || (issued.isRevoked && issued.successorSalt === null)) return 'invalid';
          const granted = accessBy(issued);
          return granted === null ? 'invalid' : opening.pairOf(granted, successor, issued.createdAt, familyId);
        }
        if (token.isRevoked) {
          // Again and again the same token changes nothing more: that is counted, below.
          if ((await tokens.revokeFamily(familyId, startedAt)) === 0) return 'reused again';
          await sessions.end(familyId, startedAt);
          await credentials.changed(userId);
          await audit.record(reuse);
          return 'reused';
        }
        const granted = accessBy(token);
        if (granted === null) return 'invalid';
        const newSalt = createSecret();
        const [pair, record] = opening.issue(granted, familyId, startedAt, successorOf(refreshToken, newSalt));
        await tokens.exchange(token.id, newSalt, startedAt);
        await tokens.insert(record);
        await sessions.use(familyId, { ...useOf(origin), now: startedAt, expiresAt: record.expiresAt });
        await tokens.forgetSuccessors(startedAt - GRACE_MS, familyId);
        return pair;
      });

      if (outcome === 'reused') events.emit('auth.access_ended', clock.now(), { user_id: userId });
      if (outcome === 'reused again') await refusals.record(reuse);
      if (outcome === 'reused' || outcome === 'reused again') {
        events.emit('auth.refresh_token_reused', clock.now(), { user_id: userId, family_id: familyId });
      }
      if (typeof outcome === 'string') throw authErrors.invalid_refresh_token();
      return outcome;
    },

    /** Ends every session of the user, on every device. */
    async logout(actor: Principal): Promise<void> {
      await users.endSessions(actor);
    },

    async removeExpiredTokens(): Promise<number> {
      const now = clock.now();
      await store.tokens.forgetSuccessors(now - GRACE_MS);
      await store.sessions.removeOld(now - KEPT_MS);
      return store.tokens.removeExpired(now);
    },
  };
}

/** Null unless it was revoked by an exchange, a short while ago; the clock may have been set meanwhile. */
function saltToAnswerAgain({ revokedAt, successorSalt }: RefreshToken, now: number): string | null {
  return revokedAt !== null && Math.abs(now - revokedAt) <= GRACE_MS ? successorSalt : null;
}

function on(userId?: number) {
  return { resourceType: 'user', resourceId: userId === undefined ? null : String(userId) };
}
