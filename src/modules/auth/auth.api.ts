import type { Principal, RequestOrigin } from '#kernel/access.ts';

/** Checks access tokens, against the state of the user as it is now. */
export interface Authenticator {
  /** @throws AppError `authentication_required` for a token that is malformed, expired or of a user who lost access. */
  bearer(token: string): Promise<Principal>;
  /** Also says when the token expires, in epoch milliseconds. Throws like `bearer`. */
  describe(token: string): Promise<{ readonly principal: Principal; readonly expiresAt: number }>;
}

export interface AuthApi extends Authenticator {
  /**
   * Begins a session, for a page of the server's own.
   * @throws AppError as `POST /auth/login` answers: `second_factor_required` with a ticket among them
   */
  signIn(
    credentials: { readonly email: string; readonly password: string },
    origin: RequestOrigin,
  ): Promise<{ readonly accessToken: string; readonly expiresIn: number }>;
  /** Goes on with the ticket. @throws AppError as `POST /auth/login/2fa` answers */
  signInWithCode(
    proof: { readonly ticket: string; readonly code: string },
    origin: RequestOrigin,
  ): Promise<{ readonly accessToken: string; readonly expiresIn: number }>;
  /** What whoever makes the first user has to know; null once there is, or was, a user. */
  setupCode(): Promise<string | null>;
  /**
   * A code that signs a user in, once and within ten minutes, at POST /auth/oauth/token, for a link that only the user
   * sees. It is proof of the first credential alone: a second factor is asked for.
   */
  signInCode(userId: number): Promise<string>;
  /** Of every kind. Returns how many were removed. */
  removeExpiredTokens(): Promise<number>;
}
