import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  MysqlIntrospector,
  type QueryResult,
} from 'kysely';
import {
  type Connection,
  type ConnectionOptions,
  createConnection,
  createPool,
  type Pool,
  type PoolConnection,
} from 'mysql2';
import { backoffMs, pause } from '#kernel/concurrency.ts';
import { createSilenceWatch, type SilenceWatch } from '#kernel/silence.ts';
import type { MariadbAddress } from './mariadb.address.ts';
import { databaseAway, databaseBusy, isAway, isFatal, isLockWaitTimeout, isRolledBack } from './mariadb.errors.ts';
import { MariadbAdapter, MariadbQueryCompiler } from './mariadb.migrations.ts';

export interface MariadbDriverOptions {
  readonly address: MariadbAddress;
  readonly poolSize: number;
  /** How long one statement may run; null: as long as it takes. */
  readonly statementTimeoutMs: number | null;
}

const CONNECT_TIMEOUT_MS = 5_000;
/** How long a query waits for a connection of the pool. */
const ACQUIRE_TIMEOUT_MS = 10_000;
const LOCK_WAIT_SECONDS = 5;
const STATEMENT_ATTEMPTS = 8;
/** The server ends a slow statement itself; this much later it has forgotten about it. */
const GRACE_MS = 5_000;
/** https://mariadb.com/kb/en/mariadb-error-codes/: the first; those of the operating system are negative or small. */
const SERVER_ERRORS = 1_000;

/** For one connection outside a pool and for each in it. */
export function connectionOptions({ host, port, user, password, tls }: MariadbAddress): ConnectionOptions {
  return {
    host,
    port,
    user,
    password,
    connectTimeout: CONNECT_TIMEOUT_MS,
    charset: 'utf8mb4_bin',
    timezone: 'Z',
    // Numbers while they are exact, as SQLite gives them; no Date objects.
    supportBigNumbers: true,
    decimalNumbers: true,
    dateStrings: true,
    stringifyObjects: true,
    // An update that met a row counts it, also when it changed nothing: as SQLite.
    flags: ['+FOUND_ROWS', '-LOCAL_FILES'],
    ...(tls ? { ssl: { rejectUnauthorized: true, verifyIdentity: true } } : {}),
  };
}

/** Kysely on MariaDB: its own compiler, a driver that knows what a lost connection and a lost contest are. */
export function createMariadbDialect(options: MariadbDriverOptions): Dialect & { readonly driver: MariadbDriver } {
  const driver = createDriver(options);
  return {
    driver,
    createDriver: () => driver,
    createQueryCompiler: () => new MariadbQueryCompiler(),
    createAdapter: () => new MariadbAdapter(),
    createIntrospector: (db) => new MysqlIntrospector(db),
  };
}

export interface MariadbDriver extends Driver {
  /** Cuts every connection, whatever is in flight. */
  abort(): void;
}

function createDriver({ address, poolSize, statementTimeoutMs }: MariadbDriverOptions): MariadbDriver {
  const leases = new WeakMap<PoolConnection, Lease>();
  const open = new Set<PoolConnection>();
  const silence = createSilenceWatch((signal) => greet(address, signal));
  let pool: Pool | undefined;

  function started(): Pool {
    if (pool === undefined) throw new Error('the SQL store has not been started');
    return pool;
  }

  async function prepare(raw: PoolConnection): Promise<Lease> {
    const lease = new Lease(raw, silence, statementTimeoutMs === null ? null : statementTimeoutMs + GRACE_MS);
    // The names of columns of one UPDATE mean their old values, as the standard and SQLite have it; backslashes
    // must stay escapes whatever the server's default is, because the driver writes values into the text.
    await lease.run(`set session
      sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,SIMULTANEOUS_ASSIGNMENT',
      time_zone = '+00:00',
      innodb_lock_wait_timeout = ${LOCK_WAIT_SECONDS},
      max_statement_time = ${(statementTimeoutMs ?? 0) / 1000}`);
    // Reads in a transaction lock what they read; a read outside one is a snapshot that waits for nobody.
    await lease.run('set session transaction isolation level serializable');
    return lease;
  }

  function connection(): Promise<PoolConnection> {
    return new Promise((resolve, reject) => {
      let late = false;
      const giveUp = (error: Error) => {
        late = true;
        settled();
        reject(error);
      };
      const timer = setTimeout(() => giveUp(databaseBusy()), ACQUIRE_TIMEOUT_MS);
      const answered = silence.watch(() => giveUp(databaseAway(new Error('no answer in time'))));
      const settled = () => {
        clearTimeout(timer);
        answered();
      };
      started().getConnection((error, raw) => {
        settled();
        if (error !== null) reject(databaseAway(error));
        else if (late) raw.release();
        else resolve(raw);
      });
    });
  }

  return {
    async init() {
      pool = createPool({
        ...connectionOptions(address),
        database: address.database,
        connectionLimit: poolSize,
      });
      pool.on('connection', (raw) => {
        open.add(raw);
        // The pool listens for the first error and the end only; a second error would end the process.
        raw.on('error', () => {});
        raw.on('end', () => open.delete(raw));
      });
    },
    async acquireConnection() {
      const raw = await connection();
      const known = leases.get(raw);
      if (known !== undefined) return known;
      try {
        const lease = await prepare(raw);
        leases.set(raw, lease);
        return lease;
      } catch (error) {
        cut(raw);
        throw databaseAway(error);
      }
    },
    beginTransaction: (lease) => (lease as Lease).begin(),
    commitTransaction: (lease) => (lease as Lease).commit(),
    rollbackTransaction: (lease) => (lease as Lease).rollback(),
    async releaseConnection(lease) {
      (lease as Lease).release();
    },
    destroy: () =>
      new Promise<void>((resolve) => {
        if (pool === undefined) resolve();
        // A connection that cannot say goodbye is gone as well.
        else pool.end(() => resolve());
      }),
    abort() {
      for (const raw of open) cut(raw);
    },
  };
}

/** Resolves when the server says anything on a connection of its own, be it that it takes no more. */
function greet(address: MariadbAddress, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const connection = createConnection(connectionOptions(address));
    signal.addEventListener('abort', () => cut(connection), { once: true });
    connection.on('error', () => {});
    connection.connect((error) => {
      cut(connection);
      // The server's own errors have a number of its own.
      if (error === null || (error.errno ?? 0) >= SERVER_ERRORS) resolve();
      else reject(error);
    });
  });
}

/** At once: the driver's own `destroy` would wait for the other side. */
export function cut(raw: Connection): void {
  raw.destroy();
  (raw as unknown as { readonly stream: { destroy(): void } }).stream.destroy();
}

class Lease implements DatabaseConnection {
  readonly #raw: PoolConnection;
  readonly #silence: SilenceWatch;
  readonly #patienceMs: number | null;
  #inTransaction = false;
  /** Why the server has rolled the open transaction back. What `work` still sends would stand alone. */
  #lost: unknown;
  #broken = false;

  constructor(raw: PoolConnection, silence: SilenceWatch, patienceMs: number | null) {
    this.#raw = raw;
    this.#silence = silence;
    this.#patienceMs = patienceMs;
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    if (this.#lost !== undefined) throw this.#lost;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return toResult<R>(await this.run(sql, parameters));
      } catch (error) {
        if (this.#inTransaction) {
          if (isRolledBack(error)) this.#lost = error;
          throw error;
        }
        // Alone, a statement is a transaction of its own, of which nothing is left.
        if (isLockWaitTimeout(error) || (isRolledBack(error) && attempt === STATEMENT_ATTEMPTS)) {
          throw databaseBusy(error);
        }
        if (!isRolledBack(error)) throw error;
        await pause(jitterMs(attempt));
      }
    }
  }

  // biome-ignore lint/correctness/useYield: Kysely asks for a generator
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('not offered: SQLite cannot stream either');
  }

  async begin(): Promise<void> {
    this.#lost = undefined;
    await this.run('begin');
    this.#inTransaction = true;
  }

  async commit(): Promise<void> {
    if (this.#lost !== undefined) throw this.#lost;
    await this.run('commit');
    this.#inTransaction = false;
  }

  async rollback(): Promise<void> {
    this.#inTransaction = false;
    this.#lost = undefined;
    try {
      if (!this.#broken) await this.run('rollback');
    } catch {
      // Whoever rolls back throws why; without its connection the server rolls back by itself.
      this.#broken = true;
    }
  }

  release(): void {
    if (this.#broken) cut(this.#raw);
    else this.#raw.release();
  }

  /** @throws AppError `unavailable` when the statement is not at fault, or the driver's error */
  run(sql: string, values: readonly unknown[] = []): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const fail = (error: Error) => {
        this.#broken ||= isFatal(error);
        reject(isAway(error) ? databaseAway(error) : error);
      };
      const giveUp = () => {
        answered();
        cut(this.#raw);
        fail(Object.assign(new Error('no answer in time'), { fatal: true }));
      };
      const timer = this.#patienceMs === null ? undefined : setTimeout(giveUp, this.#patienceMs);
      const answered = this.#silence.watch(giveUp);
      this.#raw.query({ sql, values: [...values] }, (error, result) => {
        clearTimeout(timer);
        answered();
        // The driver's text has the values in it, hashes of passwords among them; errors go to the log.
        if (error !== null) fail(Object.assign(error, { sql }));
        else resolve(result);
      });
    });
  }
}

/** Full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ */
export function jitterMs(attempt: number): number {
  return backoffMs({ firstMs: 5, longestMs: 200, jitter: 1 }, attempt);
}

interface Written {
  readonly insertId: number | string;
  readonly affectedRows: number;
}

function toResult<R>(result: unknown): QueryResult<R> {
  if (Array.isArray(result)) return { rows: result };
  const { insertId, affectedRows } = result as Written;
  const id = BigInt(insertId);
  return { rows: [], numAffectedRows: BigInt(affectedRows), ...(id === 0n ? {} : { insertId: id }) };
}
