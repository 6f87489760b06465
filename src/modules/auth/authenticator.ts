import { LRUCache } from 'lru-cache';
import type { Principal } from '#kernel/access.ts';
import { commonErrors } from '#kernel/errors.ts';
import { grownTo } from '#kernel/lru.ts';
import type { UsersApi } from '#modules/users/index.ts';
import type { Authenticator } from './auth.api.ts';
import type { AccessTokens } from './auth.ports.ts';

export interface AuthenticatorDeps {
  readonly tokens: AccessTokens;
  readonly users: Pick<UsersApi, 'findAccess'>;
  /** Of the store that holds the users, see `SqlStore.changeToken`. */
  readonly changeToken: () => string | null;
}

const CACHED_USERS = 50_000;

interface UserState {
  /** Null: there is no such user, or it is not active. */
  readonly principal: Principal | null;
  readonly tokensValidAfter: number;
}

/**
 * Who a token speaks for, as of now. The role is the user's, not the token's.
 *
 * What the store says counts, in every process and from the commit on: no event has to arrive for a token to end. A
 * store that tells cheaply that nothing has changed is asked that first; any other is asked for the user.
 */
export function createAuthenticator({ tokens, users, changeToken }: AuthenticatorDeps): Authenticator {
  const states = new LRUCache<number, UserState & { readonly asOf: string }>(grownTo(CACHED_USERS));

  async function read(userId: number): Promise<UserState> {
    const access = await users.findAccess(userId);
    if (access === null || !access.isActive) return { principal: null, tokensValidAfter: 0 };
    return { principal: { userId, role: access.role }, tokensValidAfter: access.tokensValidAfter };
  }

  async function stateOf(userId: number): Promise<UserState> {
    const asOf = changeToken();
    if (asOf === null) return await read(userId);
    const known = states.get(userId);
    if (known?.asOf === asOf) return known;
    const state = await read(userId);
    states.set(userId, { ...state, asOf });
    return state;
  }

  async function describe(token: string) {
    const { userId, issuedAt, expiresAt } = tokens.verify(token);
    const { principal, tokensValidAfter } = await stateOf(userId);
    if (principal === null || issuedAt < tokensValidAfter) {
      throw commonErrors.authentication_required({ detail: 'The access token is no longer valid.' });
    }
    return { principal, expiresAt };
  }

  return {
    describe,
    bearer: async (token) => (await describe(token)).principal,
  };
}
