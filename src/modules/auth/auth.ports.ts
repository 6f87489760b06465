import type { UserRole } from '#kernel/access.ts';
import type { UserAccess } from '#modules/users/index.ts';

/** Instants are epoch milliseconds. */
export interface RefreshToken {
  readonly id: number;
  readonly userId: number;
  readonly familyId: string;
  readonly expiresAt: number;
  readonly isRevoked: boolean;
  readonly revokedAt: number | null;
  /** Of one that was exchanged, while its successor may be asked for again: see `successor.ts`. */
  readonly successorSalt: string | null;
  /** When it counts as issued, see `AccessToken.issuedAt`. */
  readonly createdAt: number;
}

export interface NewRefreshToken extends Omit<RefreshToken, 'id' | 'isRevoked' | 'revokedAt' | 'successorSalt'> {
  readonly tokenHash: string;
}

export interface RefreshTokenRepository {
  insert(token: NewRefreshToken): Promise<void>;
  findByHash(tokenHash: string): Promise<RefreshToken | null>;
  /** Revokes one for a successor that is made from it and `salt`. */
  exchange(id: number, salt: string, now: number): Promise<void>;
  /** Nobody can make the successors any more of what was exchanged before `before`: in this family, or in all. */
  forgetSuccessors(before: number, familyId?: string): Promise<void>;
  /** @returns how many of the family still counted */
  revokeFamily(familyId: string, now: number): Promise<number>;
  revokeAllOf(userId: number, now: number): Promise<void>;
  /** Removes those that expired before `before`; returns how many. */
  removeExpired(before: number): Promise<number>;
}

export interface AccessToken {
  readonly userId: number;
  /**
   * Epoch milliseconds: the instant at which the credentials for it were read, so that whatever voids tokens
   * after that (sign-out, a new password) voids this one, even when it was handed out later.
   */
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** The session that it was issued in; null for one from before sessions had names. */
  readonly sessionId: string | null;
}

export interface NewAccessToken extends Pick<AccessToken, 'userId' | 'issuedAt'> {
  readonly role: UserRole;
  readonly sessionId: string;
}

export interface AccessTokens {
  /** Seconds. */
  readonly lifetime: number;
  issue(token: NewAccessToken): string;
  /** Signature and expiry only. @throws AppError `authentication_required` */
  verify(token: string): AccessToken;
}

/**
 * Limits on failures: for one account and address five in 15 minutes; from addresses that never signed in to the
 * account, 20 an hour for the account and 100 in 15 minutes for the address. An IPv6 address counts with its /64
 * network. Many at once get no more guesses than many in a row.
 */
export interface LoginThrottle {
  /**
   * Runs `check`: null counts as a failure, a value forgets the failures, a throw counts as nothing.
   * @throws AppError `too_many_logins`
   */
  attempt<T>(account: string, address: string, check: () => Promise<T | null>): Promise<T | null>;
}

/** What fills tables that grow with each call: bounded for one USER, or for an address where there is no user yet. */
export interface UsageLimits {
  /** @throws AppError `too_many_registrations` */
  countRegistration(address: string): Promise<void>;
  /** One whose credentials were right. @throws AppError `too_many_sign_ins` */
  countSignIn(user: Pick<UserAccess, 'userId' | 'role'>): Promise<void>;
  /** @throws AppError `too_many_sign_ins` */
  countRefresh(user: Pick<UserAccess, 'userId' | 'role'>): Promise<void>;
}

/** RFC 7517 */
export interface Jwks {
  readonly keys: readonly Jwk[];
}

export interface Jwk {
  readonly kty: 'OKP';
  readonly crv: 'Ed25519';
  readonly x: string;
  readonly kid: string;
  readonly use: 'sig';
  readonly alg: 'EdDSA';
}

export interface TokenPair {
  readonly accessToken: string;
  readonly refreshToken: string;
  /** Seconds until the access token expires. */
  readonly expiresIn: number;
}
