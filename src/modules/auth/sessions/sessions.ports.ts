import type { UserCredentialMarks } from '#modules/users/index.ts';
import type { AuditWriter } from '#platform/audit/audit.port.ts';
import type { RefreshTokenRepository } from '../auth.ports.ts';

/** A sign-in and all that descends from it: one family of refresh tokens. Instants are epoch milliseconds. */
export interface Session {
  readonly id: number;
  readonly userId: number;
  /** Of its refresh tokens; its access tokens carry it as `sid`. */
  readonly familyId: string;
  /** What the client calls itself; null: it did not say, or the session is older than this record. */
  readonly userAgent: string | null;
  /** Of the latest sign-in or exchange. */
  readonly address: string | null;
  readonly createdAt: number;
  /** Of the latest sign-in or exchange: not of every request. */
  readonly lastUsedAt: number;
}

/** A session as its owner sees it. */
export interface OwnSession extends Session {
  /** Whether it is the one that asks. */
  readonly isCurrent: boolean;
}

export const SESSION_SORT_FIELDS = ['last_used_at', 'created_at', 'address', 'user_agent'] as const;
export type SessionSortField = (typeof SESSION_SORT_FIELDS)[number];

export interface SessionUse {
  readonly userAgent: string | null;
  readonly address: string;
  readonly now: number;
  /** When the newest refresh token expires. */
  readonly expiresAt: number;
}

/** "Live": has not ended, and its newest refresh token has not expired. */
export interface SessionRepository {
  insert(session: SessionUse & Pick<Session, 'userId' | 'familyId'>): Promise<void>;
  /** Its refresh token was exchanged. */
  use(familyId: string, use: SessionUse): Promise<void>;
  /** Live ones, the one that was used last first. */
  list(userId: number, now: number): Promise<readonly Session[]>;
  /** A live one. */
  find(userId: number, id: number, now: number): Promise<Session | null>;
  /** Live ones beyond the `count` that were used last. */
  listBeyond(count: number, userId: number, now: number): Promise<readonly Session[]>;
  end(familyId: string, now: number): Promise<void>;
  endAllOf(userId: number, now: number): Promise<void>;
  /** Families of the user that ended at `since` or later. */
  endedSince(userId: number, since: number): Promise<readonly string[]>;
  /** Removes those that ended or expired before `before`. */
  removeOld(before: number): Promise<void>;
}

/** What is stored together, or not at all. */
export interface SessionTransaction {
  readonly sessions: SessionRepository;
  readonly tokens: RefreshTokenRepository;
  readonly credentials: UserCredentialMarks;
  readonly audit: AuditWriter;
}

export interface SessionStore extends Pick<SessionTransaction, 'sessions' | 'tokens'> {
  transaction<T>(work: (transaction: SessionTransaction) => Promise<T>): Promise<T>;
}
