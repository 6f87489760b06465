import { type Kysely, type Migration, sql } from 'kysely';

/** JSON: ids of users; NULL: the owner and, of a rule of MANAGEMENT, MANAGEMENT. */
export const alertRecipients: Pick<Migration, 'up'> = {
  async up(db) {
    await db.schema.alterTable('alert_rules').addColumn('recipients', 'text').execute();
  },
};

/** 1: made, or changed last, by MANAGEMENT. 0: by a USER, whom alone it tells. */
export const alertRulesOfManagement: Pick<Migration, 'up'> = {
  async up(db) {
    await db.schema
      .alterTable('alert_rules')
      .addColumn('of_management', 'integer', (column) => column.notNull().defaultTo(0))
      .execute();
  },
};

/** What is there already is of who made it. */
export const alertRulesByMaker: Pick<Migration, 'up'> = {
  async up(db: Kysely<unknown>) {
    const management = sql`select id from users where role in ('SUPERADMIN', 'ADMIN', 'MANAGER')`;
    await sql`update alert_rules set of_management = 1 where created_by is null or created_by in (${management})`.execute(
      db,
    );
  },
};
