import { type Compilable, type CompiledQuery, type Kysely, type QueryResult, type RawBuilder, sql } from 'kysely';

/** Stands for a value in a query that is built before the value is known. */
export type Slot = <T>(name: string) => RawBuilder<T>;

/**
 * Queries compiled once. Building and compiling a query costs more than SQLite needs to run it, so those
 * that run often are kept under a key: the same key must always mean the same query.
 */
export interface Statements {
  run<Row>(
    // biome-ignore lint/suspicious/noExplicitAny: runs on the handle of any set of tables
    db: Kysely<any>,
    key: string,
    build: (slot: Slot) => Compilable<Row>,
    values: Readonly<Record<string, unknown>>,
  ): Promise<QueryResult<Row>>;
}

/** Keys can come from what clients sort and filter by: bounded, so that nobody fills the memory. */
const MAX_STATEMENTS = 500;

/**
 * Values for `in (...)`, filled up to a power of two with the last one, so that lists of every length share a
 * few statements. Slots are named by position: `filled.map((_, i) => slot(String(i)))` with `{...filled}`.
 */
export function fillUp<T>(values: readonly T[]): readonly T[] {
  const last = values.at(-1);
  if (last === undefined) return values;
  const length = 2 ** Math.ceil(Math.log2(values.length));
  return [...values, ...Array<T>(length - values.length).fill(last)];
}

class SlotName {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

export function createStatements(): Statements {
  const compiledByKey = new Map<string, CompiledQuery>();
  const slot: Slot = <T>(name: string) => sql<T>`${new SlotName(name)}`;

  return {
    run<Row>(
      // biome-ignore lint/suspicious/noExplicitAny: as declared
      db: Kysely<any>,
      key: string,
      build: (slot: Slot) => Compilable<Row>,
      values: Readonly<Record<string, unknown>>,
    ) {
      let compiled = compiledByKey.get(key) as CompiledQuery<Row> | undefined;
      if (compiled === undefined) {
        compiled = build(slot).compile();
        if (compiledByKey.size >= MAX_STATEMENTS) compiledByKey.clear();
        compiledByKey.set(key, compiled);
      }
      const parameters = compiled.parameters.map((parameter) =>
        parameter instanceof SlotName ? values[parameter.name] : parameter,
      );
      return db.executeQuery<Row>({ ...compiled, parameters });
    },
  };
}
