import { sql } from 'kysely';
import type { SchemaReader } from '../sql.transfer.ts';
import { TABLE_OPTIONS } from './mariadb.migrations.ts';

/** MariaDB's schema: https://mariadb.com/kb/en/information-schema-tables/ */
export const mariadbSchema: SchemaReader = {
  async tables(db) {
    const names = await sql<{ name: string }>`
      select table_name as name from information_schema.tables
      where table_schema = database() and table_type = 'BASE TABLE'`.execute(db);
    const columns = await sql<{ of: string; name: string }>`
      select table_name as \`of\`, column_name as name from information_schema.columns
      where table_schema = database() and is_generated = 'NEVER' order by ordinal_position`.execute(db);
    const keys = await sql<{ of: string; name: string; refers_to: string | null; is_primary: number }>`
      select table_name as \`of\`, column_name as name, referenced_table_name as refers_to,
        constraint_name = 'PRIMARY' as is_primary
      from information_schema.key_column_usage where table_schema = database() order by ordinal_position`.execute(db);
    return names.rows.map(({ name }) => {
      const own = keys.rows.filter((each) => each.of === name);
      return {
        name,
        columns: columns.rows.filter((column) => column.of === name).map((column) => column.name),
        key: own.filter((each) => each.is_primary === 1).map((each) => each.name),
        references: own.flatMap(({ refers_to }) => (refers_to === null ? [] : [refers_to])),
      };
    });
  },
  async hasTable(db, name) {
    const { rows } = await sql`
      select 1 from information_schema.tables
      where table_schema = database() and table_name = ${name}`.execute(db);
    return rows.length > 0;
  },
  async nextId(db, table) {
    const { rows } = await sql<{ next: number | null }>`
      select auto_increment as next from information_schema.tables
      where table_schema = database() and table_name = ${table}`.execute(db);
    return rows[0]?.next ?? null;
  },
  async raiseNextId(db, table, id) {
    // The server ignores a value below the greatest id that is there.
    await sql`alter table ${sql.table(table)} auto_increment = ${sql.lit(id)}`.execute(db);
  },
  async createNoteTable(db, name) {
    await sql`create table if not exists ${sql.table(name)} (id integer primary key, text text not null)
      ${sql.raw(TABLE_OPTIONS)}`.execute(db);
  },
};
