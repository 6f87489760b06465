import { LRUCache } from 'lru-cache';
import type { Principal } from '#kernel/access.ts';
import type { Clock } from '#kernel/clock.ts';
import { commonErrors } from '#kernel/errors.ts';
import type { EventBus } from '#kernel/events.ts';
import type { UsersApi } from '#modules/users/index.ts';
import type { Authenticator } from './auth.api.ts';
import type { AccessTokens } from './auth.ports.ts';

export interface AuthenticatorDeps {
  readonly tokens: AccessTokens;
  readonly users: Pick<UsersApi, 'findAccess'>;
  readonly events: EventBus;
  readonly clock: Clock;
}

const CACHED_USERS = 50_000;

/** A change that no event tells of (of a command beside the server, while the relay is away) is noticed this late. */
const MAX_AGE_MS = 5_000;

interface UserState {
  /** Null: there is no such user, or it is not active. */
  readonly principal: Principal | null;
  readonly tokensValidAfter: number;
  readonly loadedAt: number;
}

/**
 * Who a token speaks for, as of now. The role is the user's, not the token's. The state of a user is kept in
 * memory and forgotten with every change of it, so a request with a token seen before costs two lookups and
 * no query.
 */
export function createAuthenticator({ tokens, users, events, clock }: AuthenticatorDeps): Authenticator {
  // By size and not `max`, which would take the room for all of them at once.
  const states = new LRUCache<number, UserState>({ maxSize: CACHED_USERS, sizeCalculation: () => 1 });
  const loads = new Map<number, Promise<UserState>>();

  function forget(userId: number): void {
    states.delete(userId);
    // A load that is on its way may have read what was true before: it is neither kept nor shared any more.
    loads.delete(userId);
  }
  events.on('user.access_changed', ({ data }) => forget(data.user_id));
  events.on('user.updated', ({ data }) => forget(data.user_id));
  events.on('relay.gap', () => {
    states.clear();
    loads.clear();
  });

  function load(userId: number): Promise<UserState> {
    const running = loads.get(userId);
    if (running !== undefined) return running;
    const isCurrent = () => loads.get(userId) === loading;
    const loading = read(userId)
      .then((state) => {
        if (isCurrent()) states.set(userId, state);
        return state;
      })
      .finally(() => {
        if (isCurrent()) loads.delete(userId);
      });
    loads.set(userId, loading);
    return loading;
  }

  async function read(userId: number): Promise<UserState> {
    const loadedAt = clock.now();
    const access = await users.findAccess(userId);
    if (access === null || !access.isActive) return { principal: null, tokensValidAfter: 0, loadedAt };
    return { principal: { userId, role: access.role }, tokensValidAfter: access.tokensValidAfter, loadedAt };
  }

  function known(userId: number): UserState | undefined {
    const state = states.get(userId);
    return state !== undefined && clock.now() - state.loadedAt < MAX_AGE_MS ? state : undefined;
  }

  async function describe(token: string) {
    const { userId, issuedAt, expiresAt } = tokens.verify(token);
    const { principal, tokensValidAfter } = known(userId) ?? (await load(userId));
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
