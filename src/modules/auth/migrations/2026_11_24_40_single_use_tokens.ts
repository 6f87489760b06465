import type { Kysely } from 'kysely';

/** Tokens that are good once: sent by e-mail, or handed to a page after a sign-in elsewhere. By hash. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('single_use_tokens')
    .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
    .addColumn('user_id', 'integer', (column) => column.notNull())
    .addColumn('purpose', 'varchar(32)', (column) => column.notNull())
    .addColumn('token_hash', 'varchar(64)', (column) => column.notNull().unique())
    .addColumn('challenge', 'varchar(64)')
    .addColumn('method', 'varchar(64)')
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .addColumn('used_at', 'bigint')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .addForeignKeyConstraint('single_use_tokens_user', ['user_id'], 'users', ['id'])
    .execute();
  await db.schema
    .createIndex('single_use_tokens_by_user')
    .on('single_use_tokens')
    .columns(['user_id', 'purpose'])
    .execute();
  await db.schema.createIndex('single_use_tokens_by_expiry').on('single_use_tokens').column('expires_at').execute();
}
