import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { SqlRow, SqlStore, SqlTable, SqlTransfer, SqlValue } from './sql.port.ts';

/** What a dialect knows of its schema. */
export interface SchemaReader {
  /** Every table of the database, in any order. Generated columns are left out. */
  tables(db: Kysely<unknown>): Promise<readonly SchemaTable[]>;
  hasTable(db: Kysely<unknown>, name: string): Promise<boolean>;
  /** The id that the next row without one gets. Null: the table has no counter. */
  nextId(db: Kysely<unknown>, table: string): Promise<number | null>;
  raiseNextId(db: Kysely<unknown>, table: string, id: number): Promise<void>;
  /** Makes the table of the note (`id`, `text`), if it is missing. */
  createNoteTable(db: Kysely<unknown>, name: string): Promise<void>;
}

export interface SchemaTable extends SqlTable {
  /** Names of the tables that its foreign keys refer to. */
  readonly references: readonly string[];
}

const NOTE_TABLE = 'transfer_note';
/** Not part of what is stored: made by migrations and by a transfer for themselves. */
const BOOKKEEPING: readonly string[] = ['kysely_migration', 'kysely_migration_lock', NOTE_TABLE];
/** Of one statement; SQLite takes 32,766 parameters, MariaDB by default 16 MiB. */
const MOST_PARAMETERS = 10_000;
const MOST_CHARACTERS = 1_000_000;

type Opened = Pick<SqlStore, 'db' | 'transaction'>;

/** The transfer of a store: one for both dialects, which differ in how they describe their schema. */
export function createSqlTransfer({ db, transaction }: Opened, schema: SchemaReader): SqlTransfer {
  return {
    async tables() {
      const all = await schema.tables(db());
      return inOrder(all.filter(({ name }) => !BOOKKEEPING.includes(name)));
    },
    async count({ name }) {
      const { rows } = await sql<{ n: number | string }>`select count(*) as n from ${sql.table(name)}`.execute(db());
      return Number(rows[0]?.n);
    },
    async read({ name, columns, key }, after, limit) {
      const where = after === null ? sql`` : sql`where ${behind(key, after)}`;
      const { rows } = await sql<SqlRow>`select ${list(columns)} from ${sql.table(name)} ${where}
        order by ${list(key)} limit ${sql.lit(limit)}`.execute(db());
      return rows;
    },
    async write({ name, columns }, rows, note) {
      await transaction(async (trx) => {
        for (const part of partsOf(rows, columns.length)) {
          const values = part.map((row) => sql`(${sql.join(columns.map((column) => toDriver(row[column])))})`);
          await sql`insert into ${sql.table(name)} (${list(columns)}) values ${sql.join(values)}`.execute(trx);
        }
        await sql`update ${sql.table(NOTE_TABLE)} set text = ${note} where id = 1`.execute(trx);
      });
    },
    async clear(tables) {
      await transaction(async (trx) => {
        for (const { name } of tables.toReversed()) await sql`delete from ${sql.table(name)}`.execute(trx);
      });
    },
    nextId: ({ name }) => schema.nextId(db(), name),
    raiseNextId: ({ name }, id) => schema.raiseNextId(db(), name, id),
    async readNote() {
      if (!(await schema.hasTable(db(), NOTE_TABLE))) return null;
      const found = await sql<{ text: string }>`select text from ${sql.table(NOTE_TABLE)}`.execute(db());
      return found.rows[0]?.text ?? null;
    },
    async writeNote(note) {
      await schema.createNoteTable(db(), NOTE_TABLE);
      await transaction(async (trx) => {
        await sql`delete from ${sql.table(NOTE_TABLE)}`.execute(trx);
        await sql`insert into ${sql.table(NOTE_TABLE)} (id, text) values (1, ${note})`.execute(trx);
      });
    },
    async removeNote() {
      await sql`drop table if exists ${sql.table(NOTE_TABLE)}`.execute(db());
    },
  };
}

const list = (columns: readonly string[]): RawBuilder<unknown> => sql.join(columns.map((column) => sql.ref(column)));

/** Greater than `after` in the order of the key's columns, one after the other. */
function behind(key: readonly string[], after: readonly SqlValue[]): RawBuilder<unknown> {
  const terms = key.map((column, index) => {
    const equal = key.slice(0, index).map((each, at) => sql`${sql.ref(each)} = ${after[at]}`);
    return sql`(${sql.join([...equal, sql`${sql.ref(column)} > ${after[index]}`], sql` and `)})`;
  });
  return sql.join(terms, sql` or `);
}

/** Drivers know bytes as Node's own kind only. */
function toDriver(value: SqlValue | undefined): SqlValue {
  return value instanceof Uint8Array ? Buffer.from(value) : (value ?? null);
}

/** Cut so that each part fits into one statement. */
function* partsOf(rows: readonly SqlRow[], columns: number): Iterable<readonly SqlRow[]> {
  let part: SqlRow[] = [];
  let characters = 0;
  for (const row of rows) {
    const size = Object.values(row).reduce<number>((sum, value) => sum + sizeOf(value), 0);
    if (part.length > 0 && ((part.length + 1) * columns > MOST_PARAMETERS || characters + size > MOST_CHARACTERS)) {
      yield part;
      part = [];
      characters = 0;
    }
    part.push(row);
    characters += size;
  }
  if (part.length > 0) yield part;
}

const sizeOf = (value: SqlValue): number =>
  typeof value === 'string' || value instanceof Uint8Array ? value.length : 8;

/** What is referred to comes first; else by name, so that every store of a schema has the same order. */
function inOrder(tables: readonly SchemaTable[]): readonly SqlTable[] {
  const waiting = new Map(tables.toSorted((a, b) => (a.name < b.name ? -1 : 1)).map((table) => [table.name, table]));
  const ordered: SqlTable[] = [];
  while (waiting.size > 0) {
    const next = [...waiting.values()].find(({ name, references }) =>
      references.every((other) => other === name || !waiting.has(other)),
    );
    if (next === undefined) throw new Error(`foreign keys in a circle: ${[...waiting.keys()].join(', ')}`);
    const { name, columns, key } = next;
    if (key.length === 0) throw new Error(`the table ${name} has no primary key`);
    ordered.push({ name, columns, key });
    waiting.delete(name);
  }
  return ordered;
}
