import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { commonErrors } from '#kernel/errors.ts';
import type { SqlDurability } from './sql.port.ts';
import type { Answer, Query } from './sqlite.statements.ts';

/** The two ways to one database file. */
export interface SqliteWays {
  /** Reads the last commit at once, on the calling thread. Null: the writer reads, in its turn. */
  readonly read: ((query: Query) => Answer) | null;
  /** Runs statements in the order in which they come. */
  write(query: Query): Promise<Answer>;
  /** Ends a transaction that may be over already. */
  rollback(): Promise<void>;
}

/** How long a change waits for those before it, which a slow disk holds up. */
const TURN_TIMEOUT_MS = 10_000;

/**
 * Kysely's dialects on two connections: selects outside transactions go to the reading one, which never waits for the
 * disk of a commit, and everything else to the writing one, one transaction after the other, whatever their durability.
 */
export function createSqliteDialects(ways: SqliteWays): Readonly<Record<SqlDurability, Dialect>> {
  const turns = createTurns(TURN_TIMEOUT_MS);
  return { 'on disk': createDialect(ways, turns, false), soon: createDialect(ways, turns, true) };
}

/** @param soon how durable its transactions are; a single change is always on disk */
function createDialect(ways: SqliteWays, turns: Turns, soon: boolean): Dialect {
  return {
    createDriver: () => createDriver(ways, turns, soon),
    createQueryCompiler: () => new SqliteQueryCompiler(),
    createAdapter: () => new TransactionalSqliteAdapter(),
    createIntrospector: (db) => new SqliteIntrospector(db),
  };
}

function createDriver(ways: SqliteWays, turns: Turns, soon: boolean): Driver {
  return {
    init: async () => {},
    acquireConnection: async () => new Lease(ways, turns),
    beginTransaction: (lease) => (lease as Lease).begin(soon),
    commitTransaction: (lease) => (lease as Lease).commit(),
    rollbackTransaction: (lease) => (lease as Lease).rollback(),
    releaseConnection: async () => {},
    destroy: async () => {},
  };
}

/**
 * SQLite changes its schema in transactions; Kysely's own adapter does not say so. With it, a migration that
 * fails leaves nothing behind, and the second of two processes waits for the first.
 */
class TransactionalSqliteAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

class Lease implements DatabaseConnection {
  readonly #ways: SqliteWays;
  readonly #turns: Turns;
  /** Ends the turn of the open transaction. */
  #end: (() => void) | undefined;

  constructor(ways: SqliteWays, turns: Turns) {
    this.#ways = ways;
    this.#turns = turns;
  }

  async executeQuery<R>({ sql, parameters, query }: CompiledQuery): Promise<QueryResult<R>> {
    const { read, write } = this.#ways;
    if (this.#end !== undefined) return toResult<R>(await write({ sql, parameters, within: true }));
    if (
      read !== null &&
      (query.kind === 'SelectQueryNode' || (query.kind === 'RawNode' && /^\s*select\b/i.test(sql)))
    ) {
      return toResult<R>(read({ sql, parameters }));
    }
    const end = await this.#turns.next();
    try {
      return toResult<R>(await write({ sql, parameters }));
    } finally {
      end();
    }
  }

  // biome-ignore lint/correctness/useYield: Kysely asks for a generator
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('not offered: a row that is waited for would hold up the others');
  }

  async begin(soon: boolean): Promise<void> {
    const end = await this.#turns.next();
    try {
      // A deferred transaction that reads first and writes later fails under a concurrent writer.
      await this.#ways.write({ sql: 'begin immediate', parameters: [], soon });
    } catch (error) {
      end();
      throw error;
    }
    this.#end = end;
  }

  /** One that fails leaves the turn to the rollback that follows. */
  async commit(): Promise<void> {
    await this.#ways.write({ sql: 'commit', parameters: [], within: true });
    this.#leave();
  }

  /** Whoever rolls back throws why; a connection that is gone has rolled back by itself. */
  async rollback(): Promise<void> {
    await this.#ways.rollback().catch(() => {});
    this.#leave();
  }

  #leave(): void {
    this.#end?.();
    this.#end = undefined;
  }
}

interface Turns {
  /** @returns what ends the turn @throws AppError `unavailable` after too long a wait */
  next(): Promise<() => void>;
}

function createTurns(timeoutMs: number): Turns {
  const waiting = new Set<() => void>();
  let isTaken = false;

  function end(): void {
    const [next] = waiting;
    if (next === undefined) isTaken = false;
    else next();
  }

  return {
    next() {
      if (!isTaken) {
        isTaken = true;
        return Promise.resolve(end);
      }
      return new Promise((resolve, reject) => {
        const begin = () => {
          clearTimeout(timer);
          waiting.delete(begin);
          resolve(end);
        };
        const timer = setTimeout(() => {
          waiting.delete(begin);
          reject(commonErrors.unavailable({ detail: 'The store is busy.', details: { retryAfterSeconds: 1 } }));
        }, timeoutMs);
        waiting.add(begin);
      });
    },
  };
}

function toResult<R>(answer: Answer): QueryResult<R> {
  if ('rows' in answer) return { rows: answer.rows.map((row) => toObject(answer.columns, row)) as R[] };
  const { changes, lastInsertRowid } = answer;
  return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) };
}

/** Made here: node:sqlite takes twice as long to make objects itself. */
function toObject(columns: readonly string[], row: readonly unknown[]): object {
  const object: Record<string, unknown> = {};
  for (let index = 0; index < columns.length; index += 1) object[columns[index] as string] = row[index];
  return object;
}
