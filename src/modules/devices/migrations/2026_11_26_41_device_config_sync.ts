import type { Kysely } from 'kysely';

/** Whether the device has applied the configuration that it is to have; for the list. */
export const deviceConfigSync = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .alterTable('devices')
      .addColumn('config_in_sync', 'integer', (column) => column.notNull().defaultTo(1))
      .execute();
  },
};
