import { DatabaseSync } from 'node:sqlite';
import { Kysely, sql } from 'kysely';
import { defined } from '#kernel/defined.ts';
import { type Logger, silentLogger } from '#kernel/logger.ts';
import { cannotOpen, toSqliteError, troubleOf } from '#platform/sqlite/sqlite-errors.ts';
import { createFileHealth } from '#platform/sqlite/sqlite-health.ts';
import type { SqliteHost } from '#platform/sqlite/sqlite-host.ts';
import { createSqliteThread } from '#platform/sqlite/sqlite-thread.ts';
import { pendingMigrations, runMigrations } from './migrate.ts';
import type { MigrationSet, SqlDurability, SqlStore } from './sql.port.ts';
import { createSqlTransfer } from './sql.transfer.ts';
import { createSqliteDialects, type SqliteWays } from './sqlite.driver.ts';
import { sqliteSchema } from './sqlite.schema.ts';
import { type Answer, createStatements } from './sqlite.statements.ts';

export interface SqliteStoreOptions {
  /** Path of the file, made 0600 in a folder made 0700; or `:memory:`, then all of it is on the calling thread. */
  readonly file: string;
  readonly migrations: MigrationSet;
  readonly logger?: Logger;
  /** The thread to write on, together with other files; its own without. */
  readonly host?: SqliteHost;
}

/** Everything between `start` and `stop`. */
interface Opened extends SqliteWays {
  changeToken(): string;
  /** @throws AppError `unavailable` */
  assertUsable(): void;
  close(signal: AbortSignal): Promise<void>;
}

const PROCEDURES = new URL('./sqlite.procedures.ts', import.meta.url);
/** A reader of a WAL waits for nobody, except while another process recovers or removes it. */
const READ_TIMEOUT_MS = 500;

/** SQLite extended result codes, https://www.sqlite.org/rescode.html */
const CONSTRAINT_FOREIGNKEY = 787;
const CONSTRAINT_PRIMARYKEY = 1555;
const CONSTRAINT_UNIQUE = 2067;

/**
 * The relational store on `node:sqlite`: WAL, synchronous=FULL (a commit is on disk when it returns), foreign keys on.
 * Changes and transactions run on a thread of their own, because a commit waits for the disk; other selects run on
 * the calling thread, on a connection that sees the last commit (ADR 0033).
 */
export function createSqliteStore(options: SqliteStoreOptions): SqlStore {
  const { file, migrations, logger = silentLogger } = options;
  let connections: Readonly<Record<SqlDurability, Kysely<unknown>>> | undefined;
  let opened: Opened | undefined;

  function db<Tables>(durability: SqlDurability = 'on disk'): Kysely<Tables> {
    if (connections === undefined) throw new Error('the SQL store has not been started');
    return connections[durability] as unknown as Kysely<Tables>;
  }

  function transaction<Tables, T>(work: (trx: Kysely<Tables>) => Promise<T>, durability?: SqlDurability): Promise<T> {
    return db<Tables>(durability)
      .transaction()
      .execute((trx) => work(trx));
  }

  return {
    name: 'sql',
    async start(signal) {
      if (opened !== undefined) return;
      opened = file === ':memory:' ? openInMemory() : await openFile({ ...options, logger }, signal);
      const dialects = createSqliteDialects(opened);
      connections = {
        'on disk': new Kysely({ dialect: dialects['on disk'] }),
        soon: new Kysely({ dialect: dialects.soon }),
      };
    },
    async stop(signal) {
      for (const connection of Object.values(connections ?? {})) await connection.destroy();
      connections = undefined;
      await opened?.close(signal);
      opened = undefined;
    },
    db: () => db(),
    transaction,
    isUniqueViolation: (error) => [CONSTRAINT_UNIQUE, CONSTRAINT_PRIMARYKEY].includes(toSqliteError(error).errcode),
    isForeignKeyViolation: (error) => toSqliteError(error).errcode === CONSTRAINT_FOREIGNKEY,
    changeToken: () => opened?.changeToken() ?? null,
    async migrate() {
      // Asked for on the reading side: most starts change nothing and need not wait for the writing one.
      const pending = await pendingMigrations(db(), migrations);
      return pending.length === 0 ? [] : await runMigrations(db(), migrations);
    },
    pending: () => pendingMigrations(db(), migrations),
    async version() {
      const { rows } = await sql<{ version: string }>`select sqlite_version() as version`.execute(db());
      return `SQLite ${rows[0]?.version}`;
    },
    async ping() {
      opened?.assertUsable();
      await db<{ sqlite_master: { name: string } }>().selectFrom('sqlite_master').select('name').limit(1).execute();
    },
    transfer: createSqlTransfer({ db, transaction }, sqliteSchema),
  };
}

/** @throws AppError `unavailable` that names the file: a folder that cannot be written, a file that is no database */
async function openFile(
  { file, logger, host }: Pick<SqliteStoreOptions, 'file' | 'host'> & { readonly logger: Logger },
  signal: AbortSignal,
): Promise<Opened> {
  const writer = createSqliteThread({
    ...{ name: 'core-writer', file, mode: 'write', procedures: [PROCEDURES], logger },
    ...defined({ host }),
  });
  const health = createFileHealth(file, logger);
  await writer.start?.(signal);
  let reader: DatabaseSync;
  try {
    reader = new DatabaseSync(file, { timeout: READ_TIMEOUT_MS });
    reader.exec('PRAGMA query_only=1');
  } catch (error) {
    await writer.stop?.(signal);
    throw cannotOpen(file, error);
  }
  const run = createStatements(reader);

  const token = oncePerTurn(numberOf(reader, 'PRAGMA data_version'));

  /** What goes wrong with the file is said as that, whatever was asked for, and tried again until it works. */
  function guarded<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      const trouble = troubleOf(file, toSqliteError(error));
      if (trouble === null) throw error;
      health.failed(trouble, async () => work());
      throw trouble.toAppError();
    }
  }

  return {
    read: (query) => guarded(() => run(query)),
    async write(query) {
      try {
        return await writer.call<Answer>('sql.run', query);
      } finally {
        token.forget();
      }
    },
    rollback: () => writer.call<void>('sql.rollback', undefined),
    changeToken: () => guarded(token.read),
    assertUsable() {
      health.assertUsable();
      writer.assertUsable();
    },
    async close(signal) {
      health.close();
      // The last connection of all writes the log into the file, and that takes the disk's time.
      reader.close();
      await writer.stop?.(signal);
    },
  };
}

function openInMemory(): Opened {
  const database = new DatabaseSync(':memory:');
  database.exec('PRAGMA foreign_keys=ON');
  const run = createStatements(database);
  return {
    read: null,
    write: async (query) => run(query),
    async rollback() {
      if (database.isTransaction) database.exec('ROLLBACK');
    },
    changeToken: numberOf(database, 'SELECT total_changes()'),
    assertUsable: () => {},
    close: async () => database.close(),
  };
}

/**
 * Reads once in a turn of the event loop, for all requests that arrived together: what another process commits while
 * they are answered, they need not see. What this process has written, it sees at once: `forget` after each answer.
 */
function oncePerTurn(read: () => string): { read(): string; forget(): void } {
  let known: string | null = null;
  const forget = () => {
    known = null;
  };
  return {
    read() {
      if (known === null) {
        known = read();
        setImmediate(forget);
      }
      return known;
    },
    forget,
  };
}

/** `data_version` changes with the commits of other connections, `total_changes()` with what this one changes. */
function numberOf(database: DatabaseSync, query: string): () => string {
  const statement = database.prepare(query);
  statement.setReturnArrays(true);
  return () => String(statement.get());
}
