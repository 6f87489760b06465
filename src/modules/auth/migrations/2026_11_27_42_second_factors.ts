import type { Kysely } from 'kysely';

/**
 * Secrets of time-based codes, sealed (one per user; `confirmed_at` NULL: not in use yet), and recovery codes by hash.
 * `last_step`: the time step of the latest code that was used, which is good no more.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('second_factors')
    .addColumn('user_id', 'integer', (column) => column.primaryKey())
    .addColumn('secret', 'varchar(255)', (column) => column.notNull())
    .addColumn('confirmed_at', 'bigint')
    .addColumn('last_step', 'bigint', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .addForeignKeyConstraint('second_factors_user', ['user_id'], 'users', ['id'])
    .execute();
  await db.schema
    .createTable('recovery_codes')
    .addColumn('user_id', 'integer', (column) => column.notNull())
    .addColumn('code_hash', 'varchar(64)', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('recovery_codes_key', ['user_id', 'code_hash'])
    .addForeignKeyConstraint('recovery_codes_user', ['user_id'], 'users', ['id'])
    .execute();
}
