import type { Kysely } from 'kysely';

/** Users and their profiles (1:1). `active_email` is the e-mail of a live user and NULL of a deleted one. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('users')
    .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
    .addColumn('email', 'varchar(254)', (column) => column.notNull())
    .addColumn('active_email', 'varchar(254)', (column) => column.unique())
    .addColumn('hashed_pwd', 'varchar(255)', (column) => column.notNull())
    .addColumn('role', 'varchar(16)', (column) => column.notNull())
    .addColumn('is_active', 'smallint', (column) => column.notNull())
    .addColumn('is_verified', 'smallint', (column) => column.notNull())
    .addColumn('last_login_at', 'bigint')
    .addColumn('tokens_valid_after', 'bigint', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .addColumn('deleted_at', 'bigint')
    .execute();
  await db.schema.createIndex('users_by_role').on('users').columns(['role', 'is_active']).execute();
  await db.schema
    .createTable('user_profiles')
    .addColumn('user_id', 'integer', (column) => column.primaryKey())
    .addColumn('full_name', 'varchar(200)')
    .addColumn('phone', 'varchar(32)')
    .addColumn('organization', 'varchar(200)')
    .addColumn('avatar_url', 'varchar(2048)')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .addForeignKeyConstraint('user_profiles_user', ['user_id'], 'users', ['id'])
    .execute();
}
