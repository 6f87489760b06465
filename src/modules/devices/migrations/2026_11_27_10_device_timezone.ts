import type { Kysely } from 'kysely';

/** The time zone in which the device stands, an IANA name. NULL: not known. */
export const deviceTimezone = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema.alterTable('devices').addColumn('timezone', 'varchar(64)').execute();
  },
};
