import type { Kysely, Migration } from 'kysely';
import type { Component } from '#kernel/lifecycle.ts';

/**
 * The relational store. Repositories are written once in Kysely and run on every dialect; what may not be
 * used because one dialect lacks it: `returning`, partial indexes, `ilike`, upserts. Instants are BIGINT
 * epoch milliseconds, booleans are 0/1, JSON is text.
 */
export interface SqlStore extends Component {
  /** Outside a transaction. `sql.db<Tables>()` types it for one module's tables. */
  db<Tables>(): Kysely<Tables>;
  /**
   * Runs `work` in one serialisable write transaction; retried when the server reports a deadlock, so
   * `work` must be repeatable and must await nothing but queries on the handle that it receives.
   */
  transaction<Tables, T>(work: (db: Kysely<Tables>) => Promise<T>): Promise<T>;
  /** Whether a thrown error is a violated unique constraint. */
  isUniqueViolation(error: unknown): boolean;
  /** Whether a thrown error is a violated foreign key. */
  isForeignKeyViolation(error: unknown): boolean;
  /** Brings the schema up to date; waits for another process that is doing so. Returns the names that ran. */
  migrate(): Promise<readonly string[]>;
  /** Cheap round trip. @throws AppError `unavailable` */
  ping(): Promise<void>;
}

/**
 * One module's migrations by name. Names sort in the order in which they must run, across all modules:
 * `2026_11_23_01_users`. Only `up`: the system migrates forwards. Never edit one that was released.
 */
export type MigrationSet = Readonly<Record<string, Pick<Migration, 'up'>>>;
