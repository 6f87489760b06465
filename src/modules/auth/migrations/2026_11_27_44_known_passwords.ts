import { type Kysely, sql } from 'kysely';

interface Tables {
  users: { id: number; has_password: number; created_at: number };
  oauth_accounts: { user_id: number; created_at: number };
}

/** Between making a user and linking it, when a sign-in elsewhere makes it. */
const WITHIN_MS = 60_000;

/** Nobody knows the password of whom a sign-in elsewhere has made; who has chosen one since chooses it again. */
export async function up(db: Kysely<Tables>): Promise<void> {
  await db
    .updateTable('users')
    .set({ has_password: 0 })
    .where((eb) =>
      eb.exists(
        eb
          .selectFrom('oauth_accounts')
          .select('user_id')
          .whereRef('oauth_accounts.user_id', '=', 'users.id')
          .where(sql<number>`oauth_accounts.created_at - users.created_at`, '<', WITHIN_MS),
      ),
    )
    .execute();
}
