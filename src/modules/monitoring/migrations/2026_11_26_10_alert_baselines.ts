import type { Migration } from 'kysely';

/** NULL for what was stored before: then what is newer than `since` counts, as it did. */
export const alertBaselines: Pick<Migration, 'up'> = {
  async up(db) {
    await db.schema.alterTable('alert_states').addColumn('baseline', 'bigint').execute();
  },
};
