import { LRUCache } from 'lru-cache';
import { lowerRole, type Principal, type UserRole } from '#kernel/access.ts';
import type { Clock } from '#kernel/clock.ts';
import { commonErrors } from '#kernel/errors.ts';
import { grownTo } from '#kernel/lru.ts';
import type { UsersApi } from '#modules/users/index.ts';
import type { Authenticator } from './auth.api.ts';
import type { AccessTokens } from './auth.ports.ts';
import type { createPersonalTokenVerifier } from './personal-tokens/personal-token-verifier.ts';
import { PERSONAL_TOKEN_PREFIX } from './personal-tokens/personal-tokens.service.ts';
import type { SessionRepository } from './sessions/sessions.ports.ts';

export interface AuthenticatorDeps {
  readonly tokens: AccessTokens;
  readonly personalTokens: Pick<ReturnType<typeof createPersonalTokenVerifier>, 'verify'>;
  readonly sessions: () => Pick<SessionRepository, 'endedSince'>;
  readonly users: Pick<UsersApi, 'findAccess'>;
  /** Of the store that holds the users, see `SqlStore.changeToken`. */
  readonly changeToken: () => string | null;
  readonly clock: Clock;
}

const CACHED_USERS = 50_000;

/** A token that is refused because its session has ended may have been issued by a process whose clock is off. */
const CLOCKS_OFF_MS = 3_600_000;
/** Of a personal access token that does not expire. */
const NEVER = Number.MAX_SAFE_INTEGER;

interface UserState {
  /** Null: there is no such user, or it is not active. */
  readonly role: UserRole | null;
  readonly tokensValidAfter: number;
  readonly credentialsVersion: number;
}

const NOBODY: UserState = { role: null, tokensValidAfter: 0, credentialsVersion: 0 };

/**
 * Who a token speaks for, as of now. The role is the user's, not the token's.
 *
 * What the store says counts, in every process and from the commit on: no event has to arrive for a token to end. A
 * store that tells cheaply that nothing has changed is asked that first; any other is asked for the user. The user's
 * `credentialsVersion` says whether one session, or one personal access token, may have ended since they were looked at:
 * so that costs no query more.
 */
export function createAuthenticator(deps: AuthenticatorDeps): Authenticator {
  const { tokens, personalTokens, sessions, users, changeToken, clock } = deps;
  const none: ReadonlySet<string> = new Set();
  const ended = new LRUCache<number, { readonly version: number; readonly families: ReadonlySet<string> }>(
    grownTo(CACHED_USERS),
  );
  const states = new LRUCache<number, UserState & { readonly asOf: string }>(grownTo(CACHED_USERS));

  async function read(userId: number): Promise<UserState> {
    const access = await users.findAccess(userId);
    return access === null || !access.isActive ? NOBODY : access;
  }

  async function stateOf(userId: number): Promise<UserState> {
    const asOf = changeToken();
    if (asOf === null) return await read(userId);
    const known = states.get(userId);
    if (known?.asOf === asOf) return known;
    const state = await read(userId);
    const { role, tokensValidAfter, credentialsVersion } = state;
    states.set(userId, { role, tokensValidAfter, credentialsVersion, asOf });
    return state;
  }

  /** Families of the user's sessions that have ended while access tokens of theirs may still be about. */
  async function endedOf(userId: number, version: number): Promise<ReadonlySet<string>> {
    if (version === 0) return none;
    const known = ended.get(userId);
    if (known?.version === version) return known.families;
    const since = clock.now() - tokens.lifetime * 1000 - CLOCKS_OFF_MS;
    const families = new Set(await sessions().endedSince(userId, since));
    ended.set(userId, { version, families });
    return families;
  }

  async function describeAccess(token: string) {
    const { userId, issuedAt, expiresAt, sessionId } = tokens.verify(token);
    const { role, tokensValidAfter, credentialsVersion } = await stateOf(userId);
    if (role === null || issuedAt < tokensValidAfter) throw voided();
    if (sessionId !== null && (await endedOf(userId, credentialsVersion)).has(sessionId)) throw voided();
    const principal: Principal = { userId, role, credential: { kind: 'session', sessionId } };
    return { principal, expiresAt };
  }

  async function describePersonal(presented: string) {
    let of: UserState = NOBODY;
    const token = await personalTokens.verify(presented, async (userId) => {
      of = await stateOf(userId);
      return of.role === null ? null : of.credentialsVersion;
    });
    if (token === null || of.role === null) {
      throw commonErrors.authentication_required({ detail: 'The personal access token is not valid.' });
    }
    const { id: tokenId, userId, isReadOnly, expiresAt } = token;
    const principal: Principal = {
      userId,
      role: lowerRole(token.role, of.role),
      credential: { kind: 'personal_token', tokenId, isReadOnly },
    };
    return { principal, expiresAt: expiresAt ?? NEVER };
  }

  function describe(token: string) {
    return token.startsWith(PERSONAL_TOKEN_PREFIX) ? describePersonal(token) : describeAccess(token);
  }

  return {
    describe,
    bearer: async (token) => (await describe(token)).principal,
  };
}

function voided() {
  return commonErrors.authentication_required({ detail: 'The access token is no longer valid.' });
}
