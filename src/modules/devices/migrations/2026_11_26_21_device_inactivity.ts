import type { Kysely } from 'kysely';

/** After how many seconds without a message the device counts as silent. NULL: after those of every device. */
export const deviceInactivity = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema.alterTable('devices').addColumn('inactivity_seconds', 'integer').execute();
  },
};
