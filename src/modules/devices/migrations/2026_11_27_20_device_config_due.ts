import type { Kysely } from 'kysely';

/**
 * Whether a device was made, moved to another group or deleted since its configuration was seen to. Every device begins as
 * such a one, also those that were there before: what was missed for them is made good.
 */
export const deviceConfigDue = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .alterTable('devices')
      .addColumn('config_due', 'integer', (column) => column.notNull().defaultTo(1))
      .execute();
  },
};

export const deviceConfigDueIndex = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createIndex('devices_config_due')
      .ifNotExists()
      .on('devices')
      .columns(['config_due', 'id'])
      .execute();
  },
};
