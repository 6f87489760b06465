import type { Migration } from 'kysely';

export const campaigns: Pick<Migration, 'up'> = {
  async up(db) {
    await db.schema
      .createTable('campaigns')
      .ifNotExists()
      .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
      .addColumn('name', 'varchar(100)', (column) => column.notNull())
      .addColumn('firmware_id', 'integer', (column) => column.notNull())
      .addColumn('version', 'varchar(64)', (column) => column.notNull())
      // JSON.
      .addColumn('plan', 'text', (column) => column.notNull())
      .addColumn('status', 'varchar(16)', (column) => column.notNull())
      .addColumn('stage', 'integer', (column) => column.notNull())
      .addColumn('stage_at', 'bigint')
      .addColumn('is_gate_waived', 'integer', (column) => column.notNull())
      // JSON.
      .addColumn('verdicts', 'text', (column) => column.notNull())
      .addColumn('reason', 'varchar(64)')
      .addColumn('pace_since', 'bigint', (column) => column.notNull())
      .addColumn('pace_used', 'integer', (column) => column.notNull())
      .addColumn('enrolled_after', 'integer')
      .addColumn('enrolled_at', 'bigint')
      .addColumn('approved_by', 'integer')
      .addColumn('created_by', 'integer')
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('started_at', 'bigint')
      .addColumn('ended_at', 'bigint')
      .addColumn('updated_at', 'bigint', (column) => column.notNull())
      .addForeignKeyConstraint('campaigns_creator_fk', ['created_by'], 'users', ['id'])
      .execute();
    await db.schema
      .createTable('campaign_devices')
      .ifNotExists()
      .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
      .addColumn('campaign_id', 'integer', (column) => column.notNull())
      .addColumn('device_id', 'integer', (column) => column.notNull())
      .addColumn('device_uid', 'varchar(64)', (column) => column.notNull())
      .addColumn('release_rank', 'bigint', (column) => column.notNull())
      .addColumn('stage', 'integer')
      .addColumn('status', 'varchar(16)', (column) => column.notNull())
      .addColumn('is_open', 'integer', (column) => column.notNull())
      .addColumn('attempts', 'integer', (column) => column.notNull())
      .addColumn('progress', 'double precision')
      .addColumn('reason', 'text')
      .addColumn('due_at', 'bigint')
      .addColumn('since', 'bigint', (column) => column.notNull())
      // JSON: [{status, at}].
      .addColumn('history', 'text', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('updated_at', 'bigint', (column) => column.notNull())
      .addForeignKeyConstraint('campaign_devices_campaign_fk', ['campaign_id'], 'campaigns', ['id'])
      .addForeignKeyConstraint('campaign_devices_device_fk', ['device_id'], 'devices', ['id'])
      .execute();
    const indexes: readonly (readonly [name: string, table: string, columns: readonly string[], isUnique?: true])[] = [
      ['campaigns_status', 'campaigns', ['status']],
      ['campaigns_firmware', 'campaigns', ['firmware_id', 'status']],
      ['campaign_devices_member', 'campaign_devices', ['campaign_id', 'device_id'], true],
      ['campaign_devices_release', 'campaign_devices', ['campaign_id', 'stage', 'release_rank']],
      ['campaign_devices_due', 'campaign_devices', ['campaign_id', 'is_open', 'due_at']],
      ['campaign_devices_status', 'campaign_devices', ['campaign_id', 'status']],
      ['campaign_devices_device', 'campaign_devices', ['device_id', 'is_open']],
    ];
    for (const [name, table, columns, isUnique] of indexes) {
      const index = db.schema
        .createIndex(name)
        .ifNotExists()
        .on(table)
        .columns([...columns]);
      await (isUnique === true ? index.unique() : index).execute();
    }
  },
};
