import type { Migration } from 'kysely';

/** Time zone of the device, for windows in its own time. NULL: not known. */
export const campaignZones: Pick<Migration, 'up'> = {
  async up(db) {
    await db.schema.alterTable('campaign_devices').addColumn('zone', 'varchar(64)').execute();
  },
};
