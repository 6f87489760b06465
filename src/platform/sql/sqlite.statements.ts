import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { LRUCache } from 'lru-cache';

/** One statement as it travels to the connection that runs it. */
export interface Query {
  readonly sql: string;
  readonly parameters: readonly unknown[];
  /** It is part of a transaction and must not stand alone if that is over. */
  readonly within?: boolean;
  /** It begins a transaction whose commit waits for no disk. */
  readonly soon?: boolean;
}

/** Rows as arrays: half the work of objects, on both sides of a thread. */
export type Answer =
  | { readonly columns: readonly string[]; readonly rows: readonly (readonly unknown[])[] }
  | { readonly changes: number; readonly lastInsertRowid: number };

const CACHED_STATEMENTS = 500;
/** SQLITE_ABORT_ROLLBACK */
const TRANSACTION_IS_OVER = 516;

interface Prepared {
  readonly statement: StatementSync;
  readonly columns: readonly string[];
}

/** Runs statements on one connection and keeps them prepared. @throws errors of SQLite as they are */
export function createStatements(database: DatabaseSync): (query: Query) => Answer {
  const prepared = new LRUCache<string, Prepared>({ max: CACHED_STATEMENTS });
  // SQLite's own knows the letters of English only.
  database.function('lower', { deterministic: true }, (text) => (typeof text === 'string' ? text.toLowerCase() : text));

  function prepare(sql: string): Prepared {
    const known = prepared.get(sql);
    if (known !== undefined) return known;
    const statement = database.prepare(sql);
    const columns = statement.columns().map(({ name }) => name);
    if (columns.length > 0) statement.setReturnArrays(true);
    const made = { statement, columns };
    prepared.set(sql, made);
    return made;
  }

  return ({ sql, parameters, within }) => {
    // A disk that is full or fails ends a transaction: what its work still sends would stand alone.
    if (within === true && !database.isTransaction) {
      throw Object.assign(new Error('the transaction is over'), { errcode: TRANSACTION_IS_OVER });
    }
    const { statement, columns } = prepare(sql);
    const values = parameters.map(toInput);
    if (columns.length > 0) return { columns, rows: statement.all(...values) as unknown as unknown[][] };
    const { changes, lastInsertRowid } = statement.run(...values);
    return { changes: Number(changes), lastInsertRowid: Number(lastInsertRowid) };
  };
}

function toInput(value: unknown): SQLInputValue {
  if (typeof value === 'boolean') return value ? 1 : 0;
  return (value ?? null) as SQLInputValue;
}
