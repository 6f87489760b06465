import type { UserRole } from '#kernel/access.ts';

/**
 * Why a user's access is not what it was. All but `role_changed` also end every token issued before.
 * `sessions_ended`: signed out everywhere.
 */
export type AccessChangeReason = 'deactivated' | 'deleted' | 'role_changed' | 'sessions_ended' | 'password_changed';

/** All are emitted after the commit. */
declare module '#kernel/events.ts' {
  interface EventMap {
    'user.created': { readonly user_id: number; readonly role: UserRole };
    /** Profile, role or state changed. */
    'user.updated': { readonly user_id: number };
    'user.access_changed': { readonly user_id: number; readonly reason: AccessChangeReason };
  }
}
