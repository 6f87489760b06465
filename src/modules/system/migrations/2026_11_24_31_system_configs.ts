import type { Kysely } from 'kysely';

/** Configuration by key. `value` is JSON, or the sealed text of it where `is_secret`. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('system_configs')
    .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
    .addColumn('key', 'varchar(100)', (column) => column.notNull().unique())
    .addColumn('value', 'text', (column) => column.notNull())
    .addColumn('is_secret', 'smallint', (column) => column.notNull())
    .addColumn('description', 'varchar(500)')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .execute();
}
