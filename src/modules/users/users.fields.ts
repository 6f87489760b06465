import type { UserRole } from '#kernel/access.ts';

/** What people say of themselves. To add a field: here, in `profile` of users.schemas.ts and its view, and a migration. */
export interface UserProfile {
  readonly fullName: string | null;
  readonly phone: string | null;
  readonly organization: string | null;
  readonly avatarUrl: string | null;
}

/** What decides who somebody is, and what for. */
export interface UserAccount {
  /** Normalised. */
  readonly email: string;
  readonly role: UserRole;
  readonly isActive: boolean;
  readonly isVerified: boolean;
}

/** Field → column, which is also the property of the API. */
export const PROFILE_NAMES = {
  fullName: 'full_name',
  phone: 'phone',
  organization: 'organization',
  avatarUrl: 'avatar_url',
} as const satisfies Record<keyof UserProfile, string>;

const ACCOUNT_NAMES = {
  email: 'email',
  role: 'role',
  isActive: 'is_active',
  isVerified: 'is_verified',
} as const satisfies Record<keyof UserAccount, string>;

/** What an administrator may set; also what the audit trail shows of a user. */
export const USER_NAMES = { ...ACCOUNT_NAMES, ...PROFILE_NAMES } as const;
