import type { MigrationSet, SqlRow, SqlStore, SqlTable, SqlTransfer, SqlValue } from '#platform/sql/sql.port.ts';
import { createSqliteStore } from '#platform/sql/sqlite.ts';
import { StartError } from '../../start-error.ts';
import { sqlMoveNotes } from '../../unfinished-move.ts';
import { type Comparison, createChecksum } from './checksum.ts';
import { beginMove } from './notes.ts';
import type { Progress } from './progress.ts';

/** The last row that is in the target. Tables before this one are there whole. */
interface Position {
  readonly table: string;
  readonly after: readonly SqlValue[];
}

const ROWS_A_STEP = 500;

export interface RelationalMove {
  readonly source: SqlStore;
  readonly target: SqlStore;
  readonly sourceName: string;
  readonly targetName: string;
  /** The schema of both. */
  readonly migrations: MigrationSet;
  readonly progress: Progress;
}

/** Copies every table of the schema, row by row in the order of the keys. Both stores are started and migrated. */
export async function moveRelational(move: RelationalMove): Promise<readonly Comparison[]> {
  const source = move.source.transfer;
  const target = move.target.transfer;
  const tables = await sameTables(source, target);
  if ((await contentsOf(source, tables, move.migrations)) === null) {
    throw new StartError(`There is no installation in ${move.sourceName}.`);
  }
  const { house, position } = await beginMove<Position>({
    source: sqlMoveNotes(move.source),
    target: sqlMoveNotes(move.target),
    sourceName: move.sourceName,
    targetName: move.targetName,
    contents: () => contentsOf(target, tables, move.migrations),
    clear: () => target.clear(tables),
  });
  const reached = tables.findIndex(({ name }) => name === position?.table);
  for (const [index, table] of tables.entries()) {
    if (index < reached) continue;
    await copyTable(table, index === reached ? (position?.after ?? null) : null);
  }
  return await compare(source, target, tables);

  async function copyTable(table: SqlTable, from: readonly SqlValue[] | null): Promise<void> {
    const total = await source.count(table);
    let done = from === null ? 0 : await target.count(table);
    let after = from;
    move.progress.step(table.name, done, total);
    for (;;) {
      const rows = await source.read(table, after, ROWS_A_STEP);
      const last = rows.at(-1);
      if (last === undefined) break;
      after = keyOf(table, last);
      const note = { role: 'target', house, position: { table: table.name, after: after.map(toJson) } };
      await target.write(table, rows, JSON.stringify(note));
      done += rows.length;
      move.progress.step(table.name, done, Math.max(total, done));
    }
    const nextId = await source.nextId(table);
    if (nextId !== null) await target.raiseNextId(table, nextId);
  }
}

/** Forgets the move, when everything has been compared. The target first: until then it can be run again. */
export async function finishRelational({ source, target }: Pick<RelationalMove, 'source' | 'target'>): Promise<void> {
  await target.transfer.removeNote();
  await source.transfer.removeNote();
}

async function sameTables(source: SqlTransfer, target: SqlTransfer): Promise<readonly SqlTable[]> {
  const [tables, others] = await Promise.all([source.tables(), target.tables()]);
  const textOf = (all: readonly SqlTable[]) =>
    all.map(({ name, columns }) => `${name}(${columns.toSorted().join()})`).toSorted();
  const [ours, theirs] = [textOf(tables), textOf(others)];
  const only = [...ours.filter((each) => !theirs.includes(each)), ...theirs.filter((each) => !ours.includes(each))];
  if (only.length === 0) return tables;
  throw new StartError(`The two databases do not have the same tables: ${only.join('; ')}. Nothing was changed.`);
}

/** What is there beyond the rows that migrations write by themselves. */
async function contentsOf(
  store: SqlTransfer,
  tables: readonly SqlTable[],
  migrations: MigrationSet,
): Promise<string | null> {
  const fresh = createSqliteStore({ file: ':memory:', migrations });
  const signal = AbortSignal.timeout(60_000);
  await fresh.start?.(signal);
  try {
    await fresh.migrate();
    for (const table of tables) {
      const total = await store.count(table);
      const made = await keysOf(fresh.transfer, table, ROWS_A_STEP);
      const found = await keysOf(store, table, made.size + 1);
      if ([...found].some((key) => !made.has(key))) return `table ${table.name}: ${total} rows`;
    }
    return null;
  } finally {
    await fresh.stop?.(signal);
  }
}

async function keysOf(store: SqlTransfer, table: SqlTable, limit: number): Promise<ReadonlySet<string>> {
  const rows = await store.read(table, null, limit);
  return new Set(rows.map((row) => JSON.stringify(keyOf(table, row))));
}

const keyOf = ({ key }: SqlTable, row: SqlRow): readonly SqlValue[] => key.map((column) => row[column] ?? null);

/** Bytes are no part of a key that can be noted down; no table of ours has such a key. */
function toJson(value: SqlValue): string | number | null {
  if (value instanceof Uint8Array) throw new Error('a key of bytes');
  return value;
}

async function compare(
  source: SqlTransfer,
  target: SqlTransfer,
  tables: readonly SqlTable[],
): Promise<readonly Comparison[]> {
  const comparisons: Comparison[] = [];
  for (const table of tables) {
    const [one, other] = await Promise.all([sumOf(source, table), sumOf(target, table)]);
    comparisons.push({ what: `table ${table.name}`, source: one, target: other });
  }
  return comparisons;
}

async function sumOf(store: SqlTransfer, table: SqlTable): Promise<string> {
  const sum = createChecksum();
  let after: readonly SqlValue[] | null = null;
  for (;;) {
    const rows: readonly SqlRow[] = await store.read(table, after, ROWS_A_STEP);
    const last = rows.at(-1);
    if (last === undefined) break;
    for (const row of rows) sum.add(row);
    after = keyOf(table, last);
  }
  const nextId = await store.nextId(table);
  const counter = nextId === null ? '' : `, next id ${nextId}`;
  return `${sum.count} rows${counter}, sha256 ${sum.digest()}`;
}
