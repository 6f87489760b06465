import type { Kysely } from 'kysely';

/** What the successor of an exchanged refresh token is made from, together with the token itself. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('refresh_tokens').addColumn('successor_salt', 'varchar(64)').execute();
}
