import { type Kysely, sql } from 'kysely';

export const deviceClaims = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('device_claims')
      .ifNotExists()
      .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
      .addColumn('name', 'varchar(100)', (column) => column.notNull())
      .addColumn('device_type', 'varchar(64)', (column) => column.notNull())
      .addColumn('group_id', 'integer')
      .addColumn('owner_id', 'integer')
      .addColumn('max_devices', 'integer', (column) => column.notNull())
      .addColumn('used', 'integer', (column) => column.notNull())
      .addColumn('uid_pattern', 'varchar(128)')
      // JSON: up to 1,000 uids.
      .addColumn('uids', sql`mediumtext`)
      .addColumn('token_hash', 'varchar(64)', (column) => column.notNull().unique())
      .addColumn('expires_at', 'bigint', (column) => column.notNull())
      .addColumn('revoked_at', 'bigint')
      .addColumn('created_by', 'integer')
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('updated_at', 'bigint', (column) => column.notNull())
      .addForeignKeyConstraint('device_claims_creator_fk', ['created_by'], 'users', ['id'])
      .execute();
    await db.schema
      .createTable('claim_attempts')
      .ifNotExists()
      .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
      .addColumn('claim_id', 'integer', (column) => column.notNull())
      .addColumn('device_uid', 'varchar(64)')
      .addColumn('step', 'varchar(16)', (column) => column.notNull())
      .addColumn('error', 'varchar(64)')
      .addColumn('ip_address', 'varchar(45)')
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('updated_at', 'bigint', (column) => column.notNull())
      .addForeignKeyConstraint('claim_attempts_claim_fk', ['claim_id'], 'device_claims', ['id'])
      .execute();
    await db.schema
      .createIndex('claim_attempts_claim')
      .ifNotExists()
      .on('claim_attempts')
      .columns(['claim_id', 'id'])
      .execute();
    await db.schema
      .createTable('claim_requests')
      .ifNotExists()
      .addColumn('claim_id', 'integer', (column) => column.notNull())
      .addColumn('request_key', 'varchar(64)', (column) => column.notNull())
      .addColumn('request_hash', 'varchar(64)', (column) => column.notNull())
      .addColumn('device_uid', 'varchar(64)', (column) => column.notNull())
      .addColumn('is_done', 'integer', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('updated_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('claim_requests_pk', ['claim_id', 'request_key'])
      .addForeignKeyConstraint('claim_requests_claim_fk', ['claim_id'], 'device_claims', ['id'])
      .execute();
  },
};
