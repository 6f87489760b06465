import { type Kysely, type Migration, type RawBuilder, sql } from 'kysely';
import type { Component } from '#kernel/lifecycle.ts';

/**
 * What `SqlStore.transaction` hands to its work, whatever its tables: for what takes part in the transaction of
 * another module, such as the audit trail.
 */
// biome-ignore lint/suspicious/noExplicitAny: whoever takes part has tables of its own
export type SqlTransaction = Kysely<any>;

/**
 * `on disk`: survives the loss of power when it resolves. `soon`: survives the end of the process, and the loss of power
 * once a later commit is on disk; for what nobody waits for and what comes again by itself.
 */
export type SqlDurability = 'on disk' | 'soon';

/**
 * The relational store. Repositories are written once in Kysely and run on every dialect; what may not be
 * used because one dialect lacks it: `returning`, partial indexes, `ilike`, upserts. Instants are BIGINT
 * epoch milliseconds, booleans are 0/1, JSON is text.
 *
 * Text compares and sorts by its characters; `like` may or may not tell upper from lower case, so a search
 * says `lower(column) like lower(pattern)`. NULL sorts before every value.
 */
export interface SqlStore extends Component {
  /** Outside a transaction. `sql.db<Tables>()` types it for one module's tables. */
  db<Tables>(): Kysely<Tables>;
  /**
   * Runs `work` in one serialisable write transaction; retried when the server reports a deadlock, so
   * `work` must be repeatable and must await nothing but queries on the handle that it receives. A store may make
   * more durable what is asked for `soon`.
   */
  transaction<Tables, T>(work: (db: Kysely<Tables>) => Promise<T>, durability?: SqlDurability): Promise<T>;
  /** Whether a thrown error is a violated unique constraint. */
  isUniqueViolation(error: unknown): boolean;
  /** Whether a thrown error is a violated foreign key. */
  isForeignKeyViolation(error: unknown): boolean;
  /**
   * A text that is another one whenever anything in the store may have changed, whoever wrote: what was read
   * after this was asked is still what is stored while it is the same. Costs less than a query.
   * What another process commits shows by the next turn of the event loop.
   * Null: this store cannot tell, ask it each time.
   */
  changeToken(): string | null;
  /** Brings the schema up to date; waits for another process that is doing so. Returns the names that ran. */
  migrate(): Promise<readonly string[]>;
  /** The migrations that `migrate` would run now. Changes nothing. @throws AppError `unavailable` for a newer schema */
  pending(): Promise<readonly string[]>;
  /** Name and version of what stores, such as `MariaDB 11.8.3`. @throws AppError `unavailable` */
  version(): Promise<string>;
  /** Cheap round trip. @throws AppError `unavailable` */
  ping(): Promise<void>;
  /** The tables as they are, for copying them into another store of the same schema. */
  readonly transfer: SqlTransfer;
}

export type SqlValue = string | number | Uint8Array | null;
export type SqlRow = Readonly<Record<string, SqlValue>>;

export interface SqlTable {
  readonly name: string;
  /** Those that are written; what the store computes by itself is not among them. */
  readonly columns: readonly string[];
  /** Columns of the primary key, in its order. */
  readonly key: readonly string[];
}

/**
 * Reads and writes whole tables, whatever they mean, of a store that has been migrated and that nobody else writes
 * to meanwhile. A transfer leaves a note in the store, by which an interrupted one is known and goes on.
 */
export interface SqlTransfer {
  /**
   * Every table of the schema, the bookkeeping of migrations and the note left out. What a foreign key refers to comes
   * before what refers; the order is the same in every store of one schema.
   */
  tables(): Promise<readonly SqlTable[]>;
  count(table: SqlTable): Promise<number>;
  /** Rows in the order of the primary key, behind the key `after` (null: from the first). */
  read(table: SqlTable, after: readonly SqlValue[] | null, limit: number): Promise<readonly SqlRow[]>;
  /**
   * Inserts rows with the ids that they have, and replaces the note, which must be there, in one transaction: after a
   * crash the note says exactly what is stored. A row that refers to another of its own table comes after it.
   */
  write(table: SqlTable, rows: readonly SqlRow[], note: string): Promise<void>;
  /** Removes all rows; `tables` in the order of `tables()`. */
  clear(tables: readonly SqlTable[]): Promise<void>;
  /** What the next row without an id gets. Null: the table has no such counter. */
  nextId(table: SqlTable): Promise<number | null>;
  /** Makes `nextId` at least `id`: an id that was given once is not given again. */
  raiseNextId(table: SqlTable, id: number): Promise<void>;
  readNote(): Promise<string | null>;
  writeNote(note: string): Promise<void>;
  /** Leaves no trace of a transfer. */
  removeNote(): Promise<void>;
}

/**
 * One module's migrations by name. Names sort in the order in which they must run, across all modules:
 * `2026_11_23_01_users`. Only `up`: the system migrates forwards. Never edit one that was released.
 *
 * A dialect may commit with every change of the schema, so one that was cut down runs again from its start.
 * Tables, columns and indexes are then made only where they are missing; any other change of the schema is the only
 * thing that its migration does, and rows are written so that writing them again does no harm.
 */
export type MigrationSet = Readonly<Record<string, Pick<Migration, 'up'>>>;

/** The pattern of `LIKE` for texts that contain this one, whatever characters it has. Goes with `isLike`. */
export function containing(text: string): string {
  // `!` escapes, because a backslash in a literal means different things to the dialects.
  return `%${text.replace(/[!%_]/g, '!$&')}%`;
}

/** Whether one of the columns (or expressions) is like the pattern of `containing`, whatever the case. */
export function isLike(
  columns: readonly (string | RawBuilder<unknown>)[],
  pattern: string | RawBuilder<unknown>,
): RawBuilder<boolean> {
  const each = columns.map((column) => {
    const text = typeof column === 'string' ? sql.ref(column) : column;
    return sql`lower(${text}) like lower(${pattern}) escape '!'`;
  });
  return sql<boolean>`(${sql.join(each, sql` or `)})`;
}
