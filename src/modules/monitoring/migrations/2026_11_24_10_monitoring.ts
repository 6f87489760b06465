import type { Migration } from 'kysely';

export const monitoring: Pick<Migration, 'up'> = {
  async up(db) {
    await db.schema
      .createTable('alert_rules')
      .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
      .addColumn('name', 'varchar(100)', (column) => column.notNull())
      .addColumn('metric', 'varchar(64)', (column) => column.notNull())
      .addColumn('rule_condition', 'varchar(16)', (column) => column.notNull())
      // JSON: a number, true, false, a string, [low, high]; NULL for no_data.
      .addColumn('threshold', 'text')
      .addColumn('clear_threshold', 'text')
      .addColumn('severity', 'varchar(16)', (column) => column.notNull())
      .addColumn('scope_kind', 'varchar(16)', (column) => column.notNull())
      .addColumn('device_id', 'integer')
      // No foreign key: a group may go while a rule still names it, which then is about nothing.
      .addColumn('group_id', 'integer')
      .addColumn('device_type', 'varchar(64)')
      .addColumn('for_seconds', 'integer', (column) => column.notNull())
      .addColumn('clear_for_seconds', 'integer', (column) => column.notNull())
      .addColumn('cooldown_seconds', 'integer', (column) => column.notNull())
      .addColumn('channels', 'varchar(64)', (column) => column.notNull())
      .addColumn('is_enabled', 'integer', (column) => column.notNull())
      // Grows with every change of what is judged: states and results of another revision are void.
      .addColumn('revision', 'integer', (column) => column.notNull())
      .addColumn('activated_at', 'bigint', (column) => column.notNull())
      .addColumn('created_by', 'integer')
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('updated_at', 'bigint', (column) => column.notNull())
      .addColumn('deleted_at', 'bigint')
      .addForeignKeyConstraint('alert_rules_device_fk', ['device_id'], 'devices', ['id'])
      .addForeignKeyConstraint('alert_rules_creator_fk', ['created_by'], 'users', ['id'])
      .execute();

    await db.schema
      .createTable('alerts')
      .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
      .addColumn('rule_id', 'integer', (column) => column.notNull())
      .addColumn('device_id', 'integer', (column) => column.notNull())
      .addColumn('device_uid', 'varchar(64)', (column) => column.notNull())
      .addColumn('rule_name', 'varchar(100)', (column) => column.notNull())
      .addColumn('severity', 'varchar(16)', (column) => column.notNull())
      .addColumn('status', 'varchar(16)', (column) => column.notNull())
      // `rule:device` while ACTIVE, NULL afterwards: the unique index allows one ACTIVE alert for each pair.
      .addColumn('active_key', 'varchar(32)')
      .addColumn('message', 'varchar(2000)', (column) => column.notNull())
      // JSON, as the threshold.
      .addColumn('value', 'text')
      .addColumn('last_value', 'text')
      .addColumn('threshold', 'text')
      .addColumn('occurrences', 'integer', (column) => column.notNull())
      .addColumn('started_at', 'bigint', (column) => column.notNull())
      .addColumn('last_seen_at', 'bigint', (column) => column.notNull())
      .addColumn('cleared_at', 'bigint')
      .addColumn('is_acknowledged', 'integer', (column) => column.notNull())
      .addColumn('acknowledged_by', 'integer')
      .addColumn('acknowledged_at', 'bigint')
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('updated_at', 'bigint', (column) => column.notNull())
      // Of a device that was deleted.
      .addColumn('deleted_at', 'bigint')
      .addForeignKeyConstraint('alerts_rule_fk', ['rule_id'], 'alert_rules', ['id'])
      .addForeignKeyConstraint('alerts_device_fk', ['device_id'], 'devices', ['id'])
      .addForeignKeyConstraint('alerts_acknowledger_fk', ['acknowledged_by'], 'users', ['id'])
      .execute();

    await db.schema
      .createTable('alert_states')
      .addColumn('rule_id', 'integer', (column) => column.notNull())
      .addColumn('device_id', 'integer', (column) => column.notNull())
      .addColumn('revision', 'integer', (column) => column.notNull())
      // Grows with every write: a process that judged by an older one judges again.
      .addColumn('version', 'integer', (column) => column.notNull())
      .addColumn('phase', 'varchar(16)', (column) => column.notNull())
      .addColumn('since', 'bigint')
      .addColumn('clear_since', 'bigint')
      .addColumn('watermark', 'bigint')
      .addColumn('cleared_at', 'bigint')
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('updated_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('alert_states_pk', ['rule_id', 'device_id'])
      .addForeignKeyConstraint('alert_states_rule_fk', ['rule_id'], 'alert_rules', ['id'])
      .addForeignKeyConstraint('alert_states_device_fk', ['device_id'], 'devices', ['id'])
      .execute();

    // Which process watches for silence, and since when somebody has been listening without a break.
    await db.schema
      .createTable('alert_watch')
      .addColumn('id', 'integer', (column) => column.primaryKey())
      .addColumn('owner', 'varchar(64)', (column) => column.notNull())
      .addColumn('until', 'bigint', (column) => column.notNull())
      .addColumn('listening_since', 'bigint', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('updated_at', 'bigint', (column) => column.notNull())
      .execute();

    // Notifications that are to become jobs, written with the alert that they are about.
    await db.schema
      .createTable('alert_outbox')
      .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
      .addColumn('payload', 'text', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('updated_at', 'bigint', (column) => column.notNull())
      .execute();

    const indexes: readonly (readonly [name: string, table: string, columns: readonly string[]])[] = [
      ['alert_rules_enabled_index', 'alert_rules', ['deleted_at', 'is_enabled']],
      ['alert_rules_creator_index', 'alert_rules', ['created_by', 'deleted_at']],
      ['alerts_open_index', 'alerts', ['deleted_at', 'is_acknowledged', 'started_at']],
      ['alerts_device_index', 'alerts', ['device_id', 'started_at']],
      ['alerts_rule_index', 'alerts', ['rule_id', 'started_at']],
      ['alerts_status_index', 'alerts', ['status', 'severity']],
      ['alert_states_device_index', 'alert_states', ['device_id']],
      ['alert_states_silence_index', 'alert_states', ['rule_id', 'phase', 'watermark']],
    ];
    for (const [name, table, columns] of indexes) {
      await db.schema
        .createIndex(name)
        .on(table)
        .columns([...columns])
        .execute();
    }
    await db.schema.createIndex('alerts_active_unique').on('alerts').column('active_key').unique().execute();
  },
};
