import { commonErrors } from './errors.ts';
import type { Language } from './language.ts';

/** Roles, highest first. The number is the rank: a user manages only strictly lower ranks. */
export const ROLE_RANK = { SUPERADMIN: 4, ADMIN: 3, MANAGER: 2, USER: 1, DEVICE: 0 } as const;

export type Role = keyof typeof ROLE_RANK;

/** Roles that a person can have. DEVICE is for MQTT logins only. */
export const USER_ROLES = ['SUPERADMIN', 'ADMIN', 'MANAGER', 'USER'] as const satisfies readonly Role[];
export type UserRole = (typeof USER_ROLES)[number];

export const MANAGEMENT = ['SUPERADMIN', 'ADMIN', 'MANAGER'] as const satisfies readonly Role[];
export const ADMINS = ['SUPERADMIN', 'ADMIN'] as const satisfies readonly Role[];

/** Who is asking. Resolved afresh for every request, so that a demoted user loses access at once. */
export interface Principal {
  readonly userId: number;
  readonly role: UserRole;
  /** Where the request came from, for the audit trail; absent for a caller that is no request. */
  readonly origin?: RequestOrigin;
  /** By what it has proven who it is; absent for a caller that is no request. */
  readonly credential?: Credential;
}

export type Credential =
  /** An access token. `sessionId` names the sign-in that it descends from; null: it was issued before these had names. */
  | { readonly kind: 'session'; readonly sessionId: string | null }
  | { readonly kind: 'personal_token'; readonly tokenId: number; readonly isReadOnly: boolean };

/** Where a request came from. */
export interface RequestOrigin {
  readonly ip: string;
  readonly requestId: string;
  /** What whoever asks reads, if the request says so. */
  readonly language?: Language;
  /** What the client calls itself, as it was sent. */
  readonly userAgent?: string;
}

export function outranks(actor: Role, other: Role): boolean {
  return ROLE_RANK[actor] > ROLE_RANK[other];
}

/** The one of the two that may do less. */
export function lowerRole(one: UserRole, other: UserRole): UserRole {
  return outranks(one, other) ? other : one;
}

/** @throws AppError `token_read_only` for a personal access token that may only read */
export function assertMayChange({ credential }: Principal): void {
  if (credential?.kind === 'personal_token' && credential.isReadOnly) throw commonErrors.token_read_only();
}

export function isManagement(role: Role): boolean {
  return ROLE_RANK[role] >= ROLE_RANK.MANAGER;
}
