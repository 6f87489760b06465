import type { Kysely } from 'kysely';

/** What a user reads, as the browser said at the latest sign-in; NULL: no browser ever said. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('users').addColumn('language', 'varchar(8)').execute();
}
