import type { UserRole } from '#kernel/access.ts';
import type { UserCredentialMarks } from '#modules/users/index.ts';
import type { AuditWriter } from '#platform/audit/audit.port.ts';

/** What a program shows in place of an access token. Instants are epoch milliseconds. */
export interface PersonalToken {
  readonly id: number;
  readonly userId: number;
  readonly name: string;
  /** The most that it may do; less while its user may do less. */
  readonly role: UserRole;
  readonly isReadOnly: boolean;
  /** Null: never. */
  readonly expiresAt: number | null;
  /** To the minute; null: it was not used. */
  readonly lastUsedAt: number | null;
  readonly createdAt: number;
}

export const PERSONAL_TOKEN_SORT_FIELDS = ['created_at', 'name', 'role', 'expires_at', 'last_used_at'] as const;
export type PersonalTokenSortField = (typeof PERSONAL_TOKEN_SORT_FIELDS)[number];

export interface PersonalTokenInput {
  readonly name: string;
  /** Absent: that of whoever makes it. */
  readonly role?: UserRole;
  readonly isReadOnly?: boolean;
  /** Epoch milliseconds; null or absent: never. */
  readonly expiresAt?: number | null;
}

export interface NewPersonalToken extends Omit<PersonalToken, 'id' | 'lastUsedAt'> {
  readonly tokenHash: string;
}

export interface PersonalTokenRepository {
  /** @returns its id */
  insert(token: NewPersonalToken): Promise<number>;
  findByHash(tokenHash: string): Promise<PersonalToken | null>;
  /** Of one user, the newest first; those that have expired too. */
  list(userId: number): Promise<readonly PersonalToken[]>;
  noteUse(id: number, now: number): Promise<void>;
  /** @returns what was removed; null: the user has none of this id */
  remove(userId: number, id: number): Promise<PersonalToken | null>;
  removeAllOf(userId: number): Promise<void>;
  /** Removes those that expired before `before`; returns how many. */
  removeExpired(before: number): Promise<number>;
}

/** What is stored together, or not at all. */
export interface PersonalTokenTransaction {
  readonly tokens: PersonalTokenRepository;
  readonly credentials: UserCredentialMarks;
  readonly audit: AuditWriter;
}

export interface PersonalTokenStore {
  readonly tokens: PersonalTokenRepository;
  transaction<T>(work: (transaction: PersonalTokenTransaction) => Promise<T>): Promise<T>;
}
