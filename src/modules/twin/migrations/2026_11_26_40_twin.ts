import { type Migration, sql } from 'kysely';

/** More than 64 KiB: group's and own together, written out. */
const json = sql`mediumtext`;

export const twin: Pick<Migration, 'up'> = {
  async up(db) {
    await db.schema
      .createTable('device_configs')
      .ifNotExists()
      // By uid and without a foreign key: the version outlives the device.
      .addColumn('device_uid', 'varchar(64)', (column) => column.primaryKey())
      .addColumn('device_id', 'integer', (column) => column.notNull())
      .addColumn('version', 'integer', (column) => column.notNull())
      .addColumn('own', json, (column) => column.notNull())
      .addColumn('effective', json, (column) => column.notNull())
      .addColumn('group_id', 'integer')
      .addColumn('group_version', 'integer', (column) => column.notNull())
      .addColumn('config_updated_at', 'bigint')
      .addColumn('config_updated_by', 'integer')
      .addColumn('reported_version', 'integer')
      .addColumn('reported_config', json)
      .addColumn('reported_error', 'text')
      .addColumn('reported_at', 'bigint')
      .addColumn('is_in_sync', 'integer', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('updated_at', 'bigint', (column) => column.notNull())
      .execute();
    await db.schema
      .createIndex('device_configs_unapplied')
      .ifNotExists()
      .on('device_configs')
      .columns(['is_in_sync', 'config_updated_at'])
      .execute();
    await db.schema
      .createTable('device_config_versions')
      .ifNotExists()
      .addColumn('device_uid', 'varchar(64)', (column) => column.notNull())
      .addColumn('version', 'integer', (column) => column.notNull())
      .addColumn('device_id', 'integer', (column) => column.notNull())
      .addColumn('own', json, (column) => column.notNull())
      .addColumn('effective', json, (column) => column.notNull())
      .addColumn('changed_by', 'varchar(16)', (column) => column.notNull())
      .addColumn('user_id', 'integer')
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('updated_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('device_config_versions_pk', ['device_uid', 'version'])
      .execute();
    await db.schema
      .createIndex('device_config_versions_device')
      .ifNotExists()
      .on('device_config_versions')
      .columns(['device_id', 'version'])
      .execute();
    await db.schema
      .createTable('group_configs')
      .ifNotExists()
      .addColumn('group_id', 'integer', (column) => column.primaryKey())
      .addColumn('version', 'integer', (column) => column.notNull())
      .addColumn('config', json, (column) => column.notNull())
      .addColumn('updated_by', 'integer')
      .addColumn('is_applied', 'integer', (column) => column.notNull())
      .addColumn('applied_after', 'integer', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('updated_at', 'bigint', (column) => column.notNull())
      .execute();
  },
};
