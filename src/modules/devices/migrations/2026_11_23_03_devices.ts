import type { Kysely } from 'kysely';

/**
 * Devices and their groups. The indexes serve the filters of the device list, each in the list's default
 * order (newest first); both stores append the primary key, which breaks ties.
 */
export const devices = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('device_groups')
      .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
      .addColumn('name', 'varchar(100)', (column) => column.notNull().unique())
      .addColumn('description', 'varchar(500)')
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('updated_at', 'bigint', (column) => column.notNull())
      .execute();

    await db.schema
      .createTable('devices')
      .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
      .addColumn('device_uid', 'varchar(64)', (column) => column.notNull())
      // Equal to device_uid while the device exists, NULL once it was deleted: so the uid is free again.
      .addColumn('active_device_uid', 'varchar(64)')
      .addColumn('name', 'varchar(100)', (column) => column.notNull())
      .addColumn('device_type', 'varchar(64)', (column) => column.notNull())
      .addColumn('status', 'varchar(16)', (column) => column.notNull())
      // While an operator holds the device in MAINTENANCE: the status it would have. Otherwise NULL.
      .addColumn('measured_status', 'varchar(16)')
      .addColumn('firmware_version', 'varchar(64)')
      .addColumn('ip_address', 'varchar(45)')
      .addColumn('group_id', 'integer')
      .addColumn('owner_id', 'integer')
      .addColumn('secret_hash', 'varchar(64)', (column) => column.notNull())
      .addColumn('last_seen_at', 'bigint')
      .addColumn('metadata', 'text', (column) => column.notNull())
      // Grows with every change except that of last_seen_at, so that a cached row can be told from a stale one.
      .addColumn('revision', 'integer', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('updated_at', 'bigint', (column) => column.notNull())
      .addColumn('deleted_at', 'bigint')
      .addForeignKeyConstraint('devices_group_fk', ['group_id'], 'device_groups', ['id'])
      .addForeignKeyConstraint('devices_owner_fk', ['owner_id'], 'users', ['id'])
      .execute();

    const indexes: Readonly<Record<string, readonly string[]>> = {
      devices_created_index: ['deleted_at', 'created_at'],
      devices_status_index: ['deleted_at', 'status', 'created_at'],
      devices_type_index: ['deleted_at', 'device_type', 'created_at'],
      devices_group_index: ['group_id', 'deleted_at', 'created_at'],
      devices_owner_index: ['owner_id', 'deleted_at', 'created_at'],
    };
    for (const [name, columns] of Object.entries(indexes)) {
      await db.schema
        .createIndex(name)
        .on('devices')
        .columns([...columns])
        .execute();
    }
    await db.schema
      .createIndex('devices_active_uid_unique')
      .on('devices')
      .column('active_device_uid')
      .unique()
      .execute();

    // One row. Its revision grows whenever the set of devices, or a field that the list filters by (other
    // than status), changes: a total that was counted at a revision is right for as long as it stands.
    await db.schema
      .createTable('device_roster')
      .addColumn('id', 'integer', (column) => column.primaryKey())
      .addColumn('revision', 'bigint', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('updated_at', 'bigint', (column) => column.notNull())
      .execute();
    const now = Date.now();
    const rosters = db as Kysely<{ device_roster: Record<string, number> }>;
    // There already when this migration was cut down behind it and runs again.
    if ((await rosters.selectFrom('device_roster').select('id').executeTakeFirst()) === undefined) {
      await rosters
        .insertInto('device_roster')
        .values({ id: 1, revision: 0, created_at: now, updated_at: now })
        .execute();
    }
  },
};
