import type { Kysely } from 'kysely';

/** The address that the device says it has. NULL: it said none. */
export const deviceReportedAddress = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema.alterTable('devices').addColumn('reported_ip_address', 'varchar(45)').execute();
  },
};
