import type { Kysely } from 'kysely';

/**
 * `credentials_version` rises whenever one of several ways in has ended, such as a session or a personal access token.
 * `two_factor_enabled`: the password alone is not enough. `has_password`: somebody has chosen the one that is stored.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('users')
    .addColumn('credentials_version', 'bigint', (column) => column.notNull().defaultTo(0))
    .execute();
  await db.schema
    .alterTable('users')
    .addColumn('two_factor_enabled', 'smallint', (column) => column.notNull().defaultTo(0))
    .execute();
  await db.schema
    .alterTable('users')
    .addColumn('has_password', 'smallint', (column) => column.notNull().defaultTo(1))
    .execute();
}
