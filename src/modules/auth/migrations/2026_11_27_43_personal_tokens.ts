import type { Kysely } from 'kysely';

/** Personal access tokens, by hash. `role` is the most that one may do; its user's own role bounds it at each use. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('personal_tokens')
    .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
    .addColumn('user_id', 'integer', (column) => column.notNull())
    .addColumn('name', 'varchar(100)', (column) => column.notNull())
    .addColumn('token_hash', 'varchar(64)', (column) => column.notNull().unique())
    .addColumn('role', 'varchar(16)', (column) => column.notNull())
    .addColumn('is_read_only', 'smallint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint')
    .addColumn('last_used_at', 'bigint')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .addForeignKeyConstraint('personal_tokens_user', ['user_id'], 'users', ['id'])
    .execute();
  await db.schema.createIndex('personal_tokens_by_user').on('personal_tokens').column('user_id').execute();
}
