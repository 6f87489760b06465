/** A revoked refresh token was presented again: it was copied, or a client is broken. Its family is revoked. */
export interface RefreshTokenReused {
  readonly user_id: number;
  readonly family_id: string;
}

declare module '#kernel/events.ts' {
  interface EventMap {
    'auth.refresh_token_reused': RefreshTokenReused;
  }
}
