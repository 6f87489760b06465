import type { Kysely } from 'kysely';

/** From where users signed in: these addresses are no strangers to the login throttle. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('sign_in_networks')
    .addColumn('user_id', 'integer', (column) => column.notNull())
    .addColumn('network', 'varchar(64)', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('sign_in_networks_key', ['user_id', 'network'])
    .addForeignKeyConstraint('sign_in_networks_user', ['user_id'], 'users', ['id'])
    .execute();
  await db.schema.createIndex('sign_in_networks_by_age').on('sign_in_networks').column('updated_at').execute();
}
