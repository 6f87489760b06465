import type { Migration } from 'kysely';

/**
 * Whether the broker has what the device is to have. What was there before counts as told: a broker that starts asks for it, or
 * is compared with it.
 */
export const twinTold: Pick<Migration, 'up'> = {
  async up(db) {
    await db.schema
      .alterTable('device_configs')
      .addColumn('is_told', 'integer', (column) => column.notNull().defaultTo(1))
      .execute();
  },
};

export const twinToldIndex: Pick<Migration, 'up'> = {
  async up(db) {
    await db.schema
      .createIndex('device_configs_untold')
      .ifNotExists()
      .on('device_configs')
      .columns(['is_told', 'config_updated_at', 'device_uid'])
      .execute();
  },
};
