/** A revoked refresh token was presented again: it was copied, or a client is broken. Its family is revoked. */
export interface RefreshTokenReused {
  readonly user_id: number;
  readonly family_id: string;
}

/** A session or a personal access token of the user has ended, others have not: who holds something open looks again. */
export interface AccessEnded {
  readonly user_id: number;
}

declare module '#kernel/events.ts' {
  interface EventMap {
    'auth.refresh_token_reused': RefreshTokenReused;
    'auth.access_ended': AccessEnded;
  }
}
