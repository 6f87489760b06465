import { type Kysely, sql } from 'kysely';
import type { SchemaReader } from './sql.transfer.ts';

/** SQLite's schema as its pragmas tell it: https://www.sqlite.org/pragma.html */
export const sqliteSchema: SchemaReader = {
  async tables(db) {
    const { rows } = await sql<{ name: string }>`
      select name from sqlite_master where type = 'table' and name not like 'sqlite~_%' escape '~'`.execute(db);
    return await Promise.all(
      rows.map(async ({ name }) => {
        const columns = await sql<{ name: string; pk: number }>`
          select name, pk from pragma_table_info(${name}) order by cid`.execute(db);
        const foreignKeys = await sql<{ name: string }>`
          select "table" as name from pragma_foreign_key_list(${name})`.execute(db);
        const key = columns.rows.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk);
        return {
          name,
          columns: columns.rows.map((column) => column.name),
          key: key.map((column) => column.name),
          references: foreignKeys.rows.map((foreignKey) => foreignKey.name),
        };
      }),
    );
  },
  async hasTable(db, name) {
    const { rows } = await sql`select 1 from sqlite_master where type = 'table' and name = ${name}`.execute(db);
    return rows.length > 0;
  },
  async nextId(db, table) {
    if (!(await hasCounter(db, table))) return null;
    const { rows } = await sql<{ seq: number }>`select seq from sqlite_sequence where name = ${table}`.execute(db);
    return (rows[0]?.seq ?? 0) + 1;
  },
  async raiseNextId(db, table, id) {
    await sql`insert into sqlite_sequence (name, seq) select ${table}, 0
      where not exists (select 1 from sqlite_sequence where name = ${table})`.execute(db);
    await sql`update sqlite_sequence set seq = ${id - 1} where name = ${table} and seq < ${id - 1}`.execute(db);
  },
  async createNoteTable(db, name) {
    await sql`create table if not exists ${sql.table(name)} (id integer primary key, text text not null)`.execute(db);
  },
};

/** Without AUTOINCREMENT an id may come again after its row was removed, and nothing is remembered. */
async function hasCounter(db: Kysely<unknown>, table: string): Promise<boolean> {
  const { rows } = await sql<{ sql: string }>`
    select sql from sqlite_master where type = 'table' and name = ${table}`.execute(db);
  return /\bautoincrement\b/i.test(rows[0]?.sql ?? '');
}
