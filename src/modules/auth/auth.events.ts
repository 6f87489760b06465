declare module '#kernel/events.ts' {
  interface EventMap {
    /** A revoked refresh token was presented again: it was copied, or a client is broken. Its family is revoked. */
    'auth.refresh_token_reused': { readonly user_id: number; readonly family_id: string };
  }
}

export {};
