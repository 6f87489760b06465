import { type Migration, sql } from 'kysely';

export const certificates: Pick<Migration, 'up'> = {
  async up(db) {
    await db.schema
      .createTable('certificate_authorities')
      .ifNotExists()
      .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
      .addColumn('name', 'varchar(100)', (column) => column.notNull())
      .addColumn('certificate', sql`mediumtext`, (column) => column.notNull())
      .addColumn('subject', 'text', (column) => column.notNull())
      // Of the subject, which has any length.
      .addColumn('subject_hash', 'varchar(64)', (column) => column.notNull())
      .addColumn('fingerprint', 'varchar(64)', (column) => column.notNull().unique())
      .addColumn('key_hash', 'varchar(64)', (column) => column.notNull())
      .addColumn('not_after', 'bigint', (column) => column.notNull())
      .addColumn('auto_register', 'integer', (column) => column.notNull())
      .addColumn('device_type', 'varchar(64)', (column) => column.notNull())
      .addColumn('is_own', 'integer', (column) => column.notNull())
      .addColumn('created_by', 'integer')
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('updated_at', 'bigint', (column) => column.notNull())
      .execute();
    await db.schema
      .createIndex('certificate_authorities_subject')
      .ifNotExists()
      .on('certificate_authorities')
      .column('subject_hash')
      .execute();
    await db.schema
      .createTable('ca_registration_codes')
      .ifNotExists()
      .addColumn('code', 'varchar(64)', (column) => column.primaryKey())
      .addColumn('expires_at', 'bigint', (column) => column.notNull())
      .addColumn('created_by', 'integer')
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('updated_at', 'bigint', (column) => column.notNull())
      .execute();
    await db.schema
      .createTable('device_certificates')
      .ifNotExists()
      .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
      // By the key of the authority: it outlives its registration, and so does a revocation.
      .addColumn('issuer_key_hash', 'varchar(64)', (column) => column.notNull())
      .addColumn('serial', 'varchar(64)', (column) => column.notNull())
      .addColumn('issuer', 'text', (column) => column.notNull())
      // Null until it was shown: a serial may be revoked before. No foreign key: it outlives the device.
      .addColumn('device_id', 'integer')
      .addColumn('device_uid', 'varchar(64)')
      .addColumn('fingerprint', 'varchar(64)')
      .addColumn('not_before', 'bigint')
      .addColumn('not_after', 'bigint')
      // Of those that were issued here.
      .addColumn('certificate', sql`mediumtext`)
      .addColumn('request_hash', 'varchar(64)')
      .addColumn('first_used_at', 'bigint')
      .addColumn('revoked_at', 'bigint')
      .addColumn('revoked_reason', 'varchar(200)')
      .addColumn('warned_at', 'bigint')
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('updated_at', 'bigint', (column) => column.notNull())
      .addUniqueConstraint('device_certificates_serial', ['issuer_key_hash', 'serial'])
      .execute();
    await db.schema
      .createIndex('device_certificates_device')
      .ifNotExists()
      .on('device_certificates')
      .columns(['device_uid', 'id'])
      .execute();
    await db.schema
      .createIndex('device_certificates_end')
      .ifNotExists()
      .on('device_certificates')
      .column('not_after')
      .execute();
  },
};
