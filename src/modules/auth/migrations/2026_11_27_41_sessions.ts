import { type Kysely, sql } from 'kysely';

interface Tables {
  user_sessions: {
    user_id: number;
    family_id: string;
    user_agent: string | null;
    address: string | null;
    expires_at: number;
    ended_at: number | null;
    last_used_at: number;
    created_at: number;
    updated_at: number;
  };
  refresh_tokens: {
    user_id: number;
    family_id: string;
    is_revoked: number;
    expires_at: number;
    created_at: number;
  };
}

/** Sign-ins, one for each family of refresh tokens; those that were there already, with what is known of them. */
export async function up(db: Kysely<Tables>): Promise<void> {
  await db.schema
    .createTable('user_sessions')
    .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
    .addColumn('user_id', 'integer', (column) => column.notNull())
    .addColumn('family_id', 'varchar(36)', (column) => column.notNull().unique())
    .addColumn('user_agent', 'varchar(256)')
    .addColumn('address', 'varchar(64)')
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .addColumn('ended_at', 'bigint')
    .addColumn('last_used_at', 'bigint', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .addForeignKeyConstraint('user_sessions_user', ['user_id'], 'users', ['id'])
    .execute();
  await db.schema.createIndex('user_sessions_by_user').on('user_sessions').columns(['user_id', 'ended_at']).execute();
  await db.schema.createIndex('user_sessions_by_expiry').on('user_sessions').column('expires_at').execute();
  await db
    .insertInto('user_sessions')
    .columns(['user_id', 'family_id', 'expires_at', 'last_used_at', 'created_at', 'updated_at'])
    .expression((eb) =>
      eb
        .selectFrom('refresh_tokens')
        .select(({ fn }) => [
          'user_id',
          'family_id',
          fn.max('expires_at').as('expires_at'),
          fn.max('created_at').as('last_used_at'),
          fn.min('created_at').as('created_at'),
          fn.max('created_at').as('updated_at'),
        ])
        .where('family_id', 'not in', (inner) => inner.selectFrom('user_sessions').select('family_id'))
        .groupBy(['user_id', 'family_id'])
        .having(sql<number>`min(is_revoked)`, '=', 0),
    )
    .execute();
}
