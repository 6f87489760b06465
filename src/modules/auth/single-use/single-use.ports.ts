import type { LinkPurpose } from '#modules/users/index.ts';

/** What a token is good for. It is refused everywhere else. */
export type TokenPurpose = LinkPurpose | 'sign_in' | 'second_factor';

/** A token that is good once. Instants are epoch milliseconds. */
export interface SingleUseToken {
  readonly id: number;
  readonly userId: number;
  /** What whoever redeems it has to know the source of (RFC 7636, S256); null: nothing. */
  readonly challenge: string | null;
  /** Of `sign_in` the provider that said who it is, of `second_factor` what the first one was; null for other purposes. */
  readonly method: string | null;
  readonly createdAt: number;
}

export interface NewSingleUseToken extends Omit<SingleUseToken, 'id'> {
  readonly purpose: TokenPurpose;
  readonly tokenHash: string;
  readonly expiresAt: number;
}

export interface SingleUseTokenRepository {
  insert(token: NewSingleUseToken): Promise<void>;
  /** One that was neither used nor has expired at `now`. */
  find(tokenHash: string, purpose: TokenPurpose, now: number): Promise<SingleUseToken | null>;
  /** @returns whether it was this call that used it: of many at once, one, and none after `useAllOf`. */
  use(id: number, now: number): Promise<boolean>;
  /** Uses up all that the user still has for `purpose`. */
  useAllOf(userId: number, purpose: TokenPurpose, now: number): Promise<void>;
  /** Removes those that expired before `before`; returns how many. */
  removeExpired(before: number): Promise<number>;
}
