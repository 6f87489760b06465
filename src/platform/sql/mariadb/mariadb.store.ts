import { Kysely, sql } from 'kysely';
import { type ConnectionOptions, createConnection, type RowDataPacket } from 'mysql2';
import { coalesce, pause, within } from '#kernel/concurrency.ts';
import { commonErrors } from '#kernel/errors.ts';
import { pendingMigrations, runMigrations } from '../migrate.ts';
import type { MigrationSet, SqlStore } from '../sql.port.ts';
import { createSqlTransfer } from '../sql.transfer.ts';
import { type MariadbAddress, parseMariadbAddress } from './mariadb.address.ts';
import { connectionOptions, createMariadbDialect, cut, jitterMs, type MariadbDriver } from './mariadb.driver.ts';
import {
  cannotMigrate,
  cannotStart,
  databaseAway,
  databaseBusy,
  isConflict,
  isForeignKeyViolation,
  isMissingDatabase,
  isUniqueViolation,
} from './mariadb.errors.ts';
import { COLLATION, repeatable, tablePlugin } from './mariadb.migrations.ts';
import { mariadbSchema } from './mariadb.schema.ts';

export interface MariadbStoreOptions {
  /** `mysql://user:password@host:3306/database`; `?tls=true` encrypts. The database is created if missing. */
  readonly url: string;
  readonly migrations: MigrationSet;
  /** Connections of this process at most. Default 10. */
  readonly poolSize?: number;
}

const DEFAULT_POOL_SIZE = 10;
const STATEMENT_TIMEOUT_MS = 20_000;
const PING_TIMEOUT_MS = 2_000;
/** A transaction that kept losing against others for so long is given up. */
const CONTEST_MS = 15_000;
const OLDEST_SERVER = [10, 11] as const;

/**
 * The relational store on MariaDB 10.11 or newer: SERIALIZABLE transactions, repeated when the server chose
 * them as the victim of a deadlock. A lost connection is `unavailable` for whoever was using it, and the pool
 * makes another for the next. A commit whose answer was lost may have happened.
 */
export function createMariadbStore(options: MariadbStoreOptions): SqlStore {
  const { url, migrations, poolSize = DEFAULT_POOL_SIZE } = options;
  let running: { readonly db: Kysely<unknown>; readonly driver: MariadbDriver } | undefined;
  let lane: Promise<unknown> = Promise.resolve();

  function db<Tables>(): Kysely<Tables> {
    if (running === undefined) throw new Error('the SQL store has not been started');
    return running.db as unknown as Kysely<Tables>;
  }

  /** One after the other in this process, so that those that lost once do not meet each other again. */
  function afterOthers<T>(work: () => Promise<T>): Promise<T> {
    const turn = lane.then(work);
    lane = turn.catch(() => {});
    return turn;
  }

  async function askServer(): Promise<void> {
    await sql`select 1`.execute(db());
  }

  // Shared, so that a frozen server does not collect a waiting connection with each question.
  const pings = coalesce(askServer);

  async function transaction<Tables, T>(work: (trx: Kysely<Tables>) => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    const attempt = () =>
      db<Tables>()
        .transaction()
        .execute((trx) => work(trx));
    try {
      return await attempt();
    } catch (error) {
      if (!isConflict(error)) throw error;
    }
    return afterOthers(async () => {
      for (let attempts = 1; ; attempts += 1) {
        await pause(jitterMs(attempts));
        try {
          return await attempt();
        } catch (error) {
          if (!isConflict(error)) throw error;
          if (performance.now() - startedAt > CONTEST_MS) throw databaseBusy(error);
        }
      }
    });
  }

  return {
    name: 'sql',
    async start(signal) {
      if (running !== undefined) return;
      const address = parseMariadbAddress(url);
      await openDatabase(address, signal);
      const dialect = createMariadbDialect({ address, poolSize, statementTimeoutMs: STATEMENT_TIMEOUT_MS });
      running = { db: new Kysely({ dialect }), driver: dialect.driver };
    },
    async stop(signal) {
      const stopping = running;
      running = undefined;
      if (stopping === undefined) return;
      const cut = new Promise<void>((resolve) => {
        const abort = () => {
          stopping.driver.abort();
          resolve();
        };
        if (signal.aborted) abort();
        else signal.addEventListener('abort', abort, { once: true });
      });
      await Promise.race([stopping.db.destroy(), cut]);
    },
    db,
    transaction,
    isUniqueViolation,
    changeToken: () => null,
    isForeignKeyViolation,
    async migrate() {
      db();
      // A connection of its own: waiting for another process and changing a large table take their time.
      const address = parseMariadbAddress(url);
      const dialect = createMariadbDialect({ address, poolSize: 1, statementTimeoutMs: null });
      const migrating = new Kysely<unknown>({ dialect, plugins: [tablePlugin] });
      try {
        return await runMigrations(migrating, repeatable(migrations));
      } catch (error) {
        throw cannotMigrate(address, error);
      } finally {
        await migrating.destroy();
      }
    },
    pending: () => pendingMigrations(db(), migrations),
    async version() {
      const { rows } = await sql<{ version: string }>`select version() as version`.execute(db());
      return `MariaDB ${/[\d.]+/.exec(rows[0]?.version ?? '')?.[0] ?? ''}`;
    },
    async ping() {
      await within(PING_TIMEOUT_MS, pings.run(), () => databaseAway(new Error('no answer to a ping in time')));
    },
    transfer: createSqlTransfer({ db, transaction }, mariadbSchema),
  };
}

/** Makes sure that the server is there, is new enough and has the database. @throws AppError `unavailable` */
async function openDatabase(address: MariadbAddress, signal: AbortSignal): Promise<void> {
  const { database, host, port } = address;
  const server = connectionOptions(address);
  const readVersion = () => ask({ ...server, database }, 'select version() as answer', signal);
  let version: string;
  try {
    version = await readVersion().catch(async (error: unknown) => {
      if (!isMissingDatabase(error)) throw error;
      const name = `\`${database.replaceAll('`', '``')}\``;
      await ask(server, `create database if not exists ${name} default charset utf8mb4 collate ${COLLATION}`, signal);
      return readVersion();
    });
  } catch (error) {
    throw cannotStart(address, error);
  }
  const [, major = 0, minor = 0] = (/(\d+)\.(\d+)[\d.]*-MariaDB/i.exec(version) ?? []).map(Number);
  if (major < OLDEST_SERVER[0] || (major === OLDEST_SERVER[0] && minor < OLDEST_SERVER[1])) {
    const needed = `MariaDB ${OLDEST_SERVER.join('.')} or newer`;
    throw commonErrors.unavailable({ detail: `The database at ${host}:${port} is ${version}; ${needed} is needed.` });
  }
}

/** One statement on a connection of its own; its column `answer`. */
function ask(options: ConnectionOptions, statement: string, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const connection = createConnection(options);
    const end = () => {
      signal.removeEventListener('abort', end);
      cut(connection);
      reject(signal.reason);
    };
    connection.on('error', () => {});
    signal.addEventListener('abort', end, { once: true });
    connection.query<RowDataPacket[]>(statement, (error, rows) => {
      if (error !== null) reject(error);
      else resolve(String(rows[0]?.['answer']));
      end();
    });
    if (signal.aborted) end();
  });
}
