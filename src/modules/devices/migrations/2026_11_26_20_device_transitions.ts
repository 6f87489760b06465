import type { Kysely } from 'kysely';

/**
 * Changes of status that are not in the log of their device yet. The log is in another store: a row is written with the
 * status, in one transaction, and goes when the log has it.
 */
export const deviceTransitions = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('device_transitions')
      .ifNotExists()
      // The id of the entry in the log, so that writing it again changes nothing.
      .addColumn('id', 'varchar(36)', (column) => column.primaryKey())
      .addColumn('device_id', 'integer', (column) => column.notNull())
      .addColumn('device_uid', 'varchar(64)', (column) => column.notNull())
      .addColumn('from_status', 'varchar(16)', (column) => column.notNull())
      .addColumn('to_status', 'varchar(16)', (column) => column.notNull())
      .addColumn('source', 'varchar(16)', (column) => column.notNull())
      .addColumn('at', 'bigint', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .execute();
  },
};
