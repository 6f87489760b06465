import type { RequestOrigin } from '#kernel/access.ts';
import type { Clock } from '#kernel/clock.ts';
import type { EventBus } from '#kernel/events.ts';
import { createId, createSecret, hashSecret } from '#kernel/ids.ts';
import type { UserAccess } from '#modules/users/index.ts';
import type { AccessTokens, NewRefreshToken, TokenPair, UsageLimits } from '../auth.ports.ts';
import type { KnownNetworksService } from '../known-networks/known-networks.service.ts';
import type { SecondFactorTickets } from '../two-factor/tickets.ts';
import type { SessionStore, SessionTransaction } from './sessions.ports.ts';

export interface OpeningDeps {
  readonly store: SessionStore;
  readonly accessTokens: AccessTokens;
  readonly limits: Pick<UsageLimits, 'countSignIn'>;
  readonly networks: Pick<KnownNetworksService, 'note'>;
  readonly tickets: Pick<SecondFactorTickets, 'issue'>;
  readonly runtime: { readonly clock: Clock; readonly events: EventBus };
  readonly settings: { readonly refreshTokenDays: number };
}

/** `method` is for the audit trail: `password`, `registration`, `setup`, or the name of a provider. */
export interface SignInMethod {
  readonly method: string;
  /** What the second factor was, if there was one. */
  readonly secondFactor?: string;
  readonly origin: RequestOrigin;
}

export type Opening = ReturnType<typeof createOpening>;

const DAY_MS = 86_400_000;
/** Of one user: the one that was not used for longest gives way to another one. */
export const MAX_SESSIONS = 100;

/**
 * Where every way to sign in ends. Every token counts as issued at the instant before its credentials were read:
 * whatever ends a user's sessions while a sign-in is still on its way ends that one too.
 */
export function createOpening(deps: OpeningDeps) {
  const { store, accessTokens, limits, networks, tickets, settings } = deps;
  const { clock, events } = deps.runtime;

  function pairOf({ userId, role }: UserAccess, refreshToken: string, issuedAt: number, sessionId: string): TokenPair {
    return {
      accessToken: accessTokens.issue({ userId, role, issuedAt, sessionId }),
      refreshToken,
      expiresIn: accessTokens.lifetime,
    };
  }

  /** Issues a pair; the caller stores the record of the refresh token. */
  function issue(
    access: UserAccess,
    familyId: string,
    credentialsReadAt: number,
    refreshToken = createSecret(),
  ): [TokenPair, NewRefreshToken] {
    const { userId, tokensValidAfter } = access;
    // Sessions that ended in this very millisecond, before this one began, do not count against it.
    const issuedAt = Math.max(credentialsReadAt, tokensValidAfter);
    return [
      pairOf(access, refreshToken, issuedAt, familyId),
      {
        userId,
        tokenHash: hashSecret(refreshToken),
        familyId,
        expiresAt: issuedAt + settings.refreshTokenDays * DAY_MS,
        createdAt: issuedAt,
      },
    ];
  }

  /** @returns how many gave way */
  async function makeRoom({ tokens, sessions, credentials }: SessionTransaction, userId: number): Promise<number> {
    const now = clock.now();
    const surplus = await sessions.listBeyond(MAX_SESSIONS, userId, now);
    for (const { familyId } of surplus) {
      await tokens.revokeFamily(familyId, now);
      await sessions.end(familyId, now);
    }
    if (surplus.length > 0) await credentials.changed(userId);
    return surplus.length;
  }

  /** Begins a session of a user whose credentials, all that it takes, were right when they were read. */
  async function open(
    access: UserAccess,
    credentialsReadAt: number,
    { origin, method, secondFactor }: SignInMethod,
  ): Promise<TokenPair> {
    const { userId, role } = access;
    const [pair, record] = issue(access, createId(), credentialsReadAt);
    const ended = await store.transaction(async (transaction) => {
      const { tokens, sessions, audit } = transaction;
      await tokens.insert(record);
      await sessions.insert({ ...record, ...useOf(origin), now: clock.now() });
      const gone = await makeRoom(transaction, userId);
      const details = { method, ...(secondFactor === undefined ? {} : { second_factor: secondFactor }) };
      const actor = { userId, role, origin };
      const resource = { resourceType: 'user', resourceId: String(userId) };
      await audit.record({ actor, ...resource, action: 'auth.login_succeeded', details });
      return gone;
    });
    if (ended > 0) events.emit('auth.access_ended', clock.now(), { user_id: userId });
    await networks.note(userId, origin.ip);
    return pair;
  }

  return {
    pairOf,
    issue,
    open,

    /**
     * Begins a session of a user whose first credential, of whatever kind, was right when it was read.
     * @throws AppError `second_factor_required` with a ticket, when that is not all that it takes; `too_many_sign_ins`
     */
    async begin(access: UserAccess, credentialsReadAt: number, how: SignInMethod): Promise<TokenPair> {
      await limits.countSignIn(access);
      if (access.hasSecondFactor) throw await tickets.issue(access, credentialsReadAt, how.method);
      return await open(access, credentialsReadAt, how);
    },
  };
}

export function useOf({ ip, userAgent }: RequestOrigin) {
  return { address: ip, userAgent: userAgent ?? null };
}
