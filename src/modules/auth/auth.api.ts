import type { Principal } from '#kernel/access.ts';

/** Checks access tokens, against the state of the user as it is now. */
export interface Authenticator {
  /** @throws AppError `authentication_required` for a token that is malformed, expired or of a user who lost access. */
  bearer(token: string): Promise<Principal>;
  /** Also says when the token expires, in epoch milliseconds. Throws like `bearer`. */
  describe(token: string): Promise<{ readonly principal: Principal; readonly expiresAt: number }>;
}

export interface AuthApi extends Authenticator {
  /** Of every kind. Returns how many were removed. */
  removeExpiredTokens(): Promise<number>;
}
