import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { Kysely, SqliteAdapter, type SqliteDatabase, SqliteDialect, type SqliteStatement, sql } from 'kysely';
import { LRUCache } from 'lru-cache';
import { commonErrors } from '#kernel/errors.ts';
import { pendingMigrations, runMigrations } from './migrate.ts';
import type { MigrationSet, SqlStore } from './sql.port.ts';
import { createSqlTransfer } from './sql.transfer.ts';
import { sqliteSchema } from './sqlite.schema.ts';

export interface SqliteStoreOptions {
  /** Path of the file, or `:memory:`. Its folder is created 0700. */
  readonly file: string;
  readonly migrations: MigrationSet;
}

/** How long a statement waits for another process (a command beside the server) to finish its write. */
const BUSY_TIMEOUT_MS = 2_000;
const CACHED_STATEMENTS = 500;

/** SQLite extended result codes, https://www.sqlite.org/rescode.html */
const CONSTRAINT_FOREIGNKEY = 787;
const CONSTRAINT_PRIMARYKEY = 1555;
const CONSTRAINT_UNIQUE = 2067;
/** Primary codes: BUSY, LOCKED, IOERR, FULL, CANTOPEN. */
const UNAVAILABLE_CODES = [5, 6, 10, 13, 14];

/**
 * The relational store on `node:sqlite`: WAL, synchronous=FULL (a commit is on disk when it returns),
 * foreign keys on. Queries are short and run on the calling thread; telemetry has a store of its own.
 */
export function createSqliteStore({ file, migrations }: SqliteStoreOptions): SqlStore {
  let connection: Kysely<unknown> | undefined;
  let readToken: (() => string) | undefined;

  function db<Tables>(): Kysely<Tables> {
    if (connection === undefined) throw new Error('the SQL store has not been started');
    return connection as unknown as Kysely<Tables>;
  }

  function transaction<Tables, T>(work: (trx: Kysely<Tables>) => Promise<T>): Promise<T> {
    return db<Tables>()
      .transaction()
      .execute((trx) => work(trx));
  }

  return {
    name: 'sql',
    async start() {
      if (connection !== undefined) return;
      const database = openDatabase(file);
      readToken = changeTokenOf(database);
      connection = new Kysely({ dialect: new MigratingSqliteDialect({ database: adapt(database) }) });
    },
    async stop() {
      await connection?.destroy();
      connection = undefined;
      readToken = undefined;
    },
    db,
    transaction,
    isUniqueViolation: (error) => [CONSTRAINT_UNIQUE, CONSTRAINT_PRIMARYKEY].includes(errorCode(error)),
    isForeignKeyViolation: (error) => errorCode(error) === CONSTRAINT_FOREIGNKEY,
    changeToken: () => readToken?.() ?? null,
    migrate: () => runMigrations(db(), migrations),
    pending: () => pendingMigrations(db(), migrations),
    async version() {
      const { rows } = await sql<{ version: string }>`select sqlite_version() as version`.execute(db());
      return `SQLite ${rows[0]?.version}`;
    },
    async ping() {
      await db<{ sqlite_master: { name: string } }>().selectFrom('sqlite_master').select('name').limit(1).execute();
    },
    transfer: createSqlTransfer({ db, transaction }, sqliteSchema),
  };
}

/** Rows changed by this connection, and a number that changes with the commits of every other one. */
function changeTokenOf(database: DatabaseSync): () => string {
  const own = database.prepare('SELECT total_changes()');
  const others = database.prepare('PRAGMA data_version');
  own.setReturnArrays(true);
  others.setReturnArrays(true);
  return () => `${String(own.get())}/${String(others.get())}`;
}

/** @throws AppError `unavailable` that names the file: a folder that cannot be written, a file that is no database */
function openDatabase(file: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    database = new DatabaseSync(file);
    database.exec(
      `PRAGMA busy_timeout=${BUSY_TIMEOUT_MS}; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON`,
    );
    // SQLite's own knows the letters of English only.
    database.function('lower', { deterministic: true }, (text) =>
      typeof text === 'string' ? text.toLowerCase() : text,
    );
    return database;
  } catch (error) {
    database?.close();
    const reason = error instanceof Error ? error.message : String(error);
    throw commonErrors.unavailable({ detail: `The database ${file} cannot be opened: ${reason}`, cause: error });
  }
}

/**
 * SQLite changes its schema in transactions; Kysely's own dialect does not say so. With it, a migration that
 * fails leaves nothing behind, and the second of two processes waits for the first.
 */
class MigratingSqliteDialect extends SqliteDialect {
  override createAdapter(): SqliteAdapter {
    return new TransactionalSqliteAdapter();
  }
}

class TransactionalSqliteAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

function errorCode(error: unknown): number {
  return (error as { errcode?: number } | null)?.errcode ?? 0;
}

/** The small shim between Kysely's SQLite dialect (written for better-sqlite3) and node:sqlite. */
function adapt(database: DatabaseSync): SqliteDatabase {
  const statements = new LRUCache<string, SqliteStatement>({ max: CACHED_STATEMENTS });
  return {
    close: () => {
      statements.clear();
      database.close();
    },
    prepare(sql) {
      let statement = statements.get(sql);
      if (statement === undefined) {
        // A deferred transaction that reads first and writes later fails under a concurrent writer.
        statement = adaptStatement(database.prepare(sql === 'begin' ? 'begin immediate' : sql));
        statements.set(sql, statement);
      }
      return statement;
    },
  };
}

function adaptStatement(statement: StatementSync): SqliteStatement {
  const columns = statement.columns().map(({ name }) => name);
  // Rows as arrays, made into objects here: node:sqlite takes twice as long to make objects itself.
  if (columns.length > 0) statement.setReturnArrays(true);
  return {
    reader: columns.length > 0,
    all: (parameters) =>
      toObjects(columns, known(() => statement.all(...bind(parameters))) as unknown as readonly unknown[][]),
    run: (parameters) => known(() => statement.run(...bind(parameters))),
    *iterate(parameters) {
      for (const row of statement.iterate(...bind(parameters)) as Iterable<unknown>) {
        yield toObject(columns, row as readonly unknown[]);
      }
    },
  };
}

/** @throws AppError `unavailable` when the file is locked, full or unreadable: nothing was changed then */
function known<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!UNAVAILABLE_CODES.includes(errorCode(error) & 0xff)) throw error;
    throw commonErrors.unavailable({ detail: 'The database is busy or away.', cause: error });
  }
}

function toObjects(columns: readonly string[], rows: readonly unknown[][]): unknown[] {
  return rows.map((row) => toObject(columns, row));
}

function toObject(columns: readonly string[], row: readonly unknown[]): object {
  const object: Record<string, unknown> = {};
  for (let index = 0; index < columns.length; index += 1) object[columns[index] as string] = row[index];
  return object;
}

function bind(parameters: readonly unknown[]): SQLInputValue[] {
  return parameters.map((value) => {
    if (typeof value === 'boolean') return value ? 1 : 0;
    return (value ?? null) as SQLInputValue;
  });
}
