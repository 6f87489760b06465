import type { Kysely } from 'kysely';

/** Who a user is at an identity provider. `email` is what the provider said at the latest sign-in. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('oauth_accounts')
    .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
    .addColumn('user_id', 'integer', (column) => column.notNull())
    .addColumn('provider', 'varchar(64)', (column) => column.notNull())
    .addColumn('provider_uid', 'varchar(255)', (column) => column.notNull())
    .addColumn('email', 'varchar(254)')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .addUniqueConstraint('oauth_accounts_provider_uid', ['provider', 'provider_uid'])
    .addForeignKeyConstraint('oauth_accounts_user', ['user_id'], 'users', ['id'])
    .execute();
  await db.schema.createIndex('oauth_accounts_by_user').on('oauth_accounts').column('user_id').execute();
}
