import type { Kysely, Selectable } from 'kysely';
import { several } from '#kernel/pagination.ts';
import type { AuditTrail } from '#platform/audit/audit.port.ts';
import { readPage } from '#platform/sql/pages.port.ts';
import { containing, isLike, type SqlStore } from '#platform/sql/sql.port.ts';
import type {
  Firmware,
  FirmwareFilter,
  FirmwareKey,
  FirmwareReader,
  FirmwareStore,
  FirmwareUsage,
  FirmwareWriter,
} from './firmware.ports.ts';
import type { FirmwareTables } from './firmware.tables.ts';

type Db = Kysely<FirmwareTables>;

/** @param usage null: nobody rolls images out */
export function createFirmwareStore(
  store: SqlStore,
  audit: AuditTrail,
  usage: Pick<FirmwareUsage, 'isUsedIn'> | null,
): FirmwareStore {
  const db = () => store.db<FirmwareTables>();
  return {
    findById: (id) => reader(db()).findById(id),
    findVersion: (deviceType, version) => reader(db()).findVersion(deviceType, version),
    lastSequence: (deviceType) => reader(db()).lastSequence(deviceType),
    findKey: (keyId) => reader(db()).findKey(keyId),
    list: ({ filter, ...asked }) =>
      readPage(filtered(db(), filter).selectAll(), { ...asked, tie: { field: 'id', direction: 'desc' } }, toFirmware),
    async listKeys() {
      const rows = await db().selectFrom('firmware_keys').selectAll().orderBy('created_at').orderBy('key_id').execute();
      return rows.map(toKey);
    },
    async knownBlobs(blobIds) {
      if (blobIds.length === 0) return new Set();
      const rows = await db()
        .selectFrom('firmware')
        .select('blob_id')
        .where('blob_id', 'in', [...blobIds])
        .execute();
      return new Set(rows.map(({ blob_id }) => blob_id));
    },
    transaction: (work) => store.transaction((trx: Db) => work(createWriter(trx, usage), audit.on(trx))),
  };
}

function reader(db: Db): FirmwareReader {
  return {
    async findById(id) {
      const row = await db.selectFrom('firmware').selectAll().where('id', '=', id).executeTakeFirst();
      return row === undefined ? null : toFirmware(row);
    },
    async findVersion(deviceType, version) {
      const row = await db
        .selectFrom('firmware')
        .selectAll()
        .where('device_type', '=', deviceType)
        .where('version', '=', version)
        .executeTakeFirst();
      return row === undefined ? null : toFirmware(row);
    },
    async lastSequence(deviceType) {
      const row = await db
        .selectFrom('firmware_sequences')
        .select('sequence')
        .where('device_type', '=', deviceType)
        .executeTakeFirst();
      return row?.sequence ?? 0;
    },
    async findKey(keyId) {
      const row = await db.selectFrom('firmware_keys').selectAll().where('key_id', '=', keyId).executeTakeFirst();
      return row === undefined ? null : toKey(row);
    },
  };
}

/** For whoever decides by it in a transaction of its own. */
export const findFirmwareIn = (db: Db, id: number): Promise<Firmware | null> => reader(db).findById(id);

function createWriter(trx: Db, usage: Pick<FirmwareUsage, 'isUsedIn'> | null): FirmwareWriter {
  const read = reader(trx);
  return {
    ...read,
    isUsed: async (id) => (await usage?.isUsedIn(trx, id)) === true,
    async insert(firmware) {
      const { deviceType, version, sequence, createdAt } = firmware;
      await trx
        .insertInto('firmware')
        .values({
          device_type: deviceType,
          version,
          sequence,
          size: firmware.size,
          sha256: firmware.sha256,
          sha1: firmware.sha1,
          md5: firmware.md5,
          notes: firmware.notes,
          signature: firmware.signature,
          key_id: firmware.keyId,
          not_after: firmware.notAfter,
          blob_id: firmware.blobId,
          created_by: firmware.createdBy,
          created_at: createdAt,
          updated_at: createdAt,
        })
        .execute();
      if ((await read.lastSequence(deviceType)) === 0) {
        const row = { device_type: deviceType, sequence, created_at: createdAt, updated_at: createdAt };
        await trx.insertInto('firmware_sequences').values(row).execute();
      } else {
        await trx
          .updateTable('firmware_sequences')
          .set({ sequence, updated_at: createdAt })
          .where('device_type', '=', deviceType)
          .execute();
      }
      return (await read.findVersion(deviceType, version)) as Firmware;
    },
    async remove(id) {
      await trx.deleteFrom('firmware').where('id', '=', id).execute();
    },
    async insertKey({ keyId, publicKey, name, createdBy, createdAt }) {
      await trx
        .insertInto('firmware_keys')
        .values({
          key_id: keyId,
          public_key: publicKey,
          name,
          created_by: createdBy,
          created_at: createdAt,
          updated_at: createdAt,
        })
        .execute();
    },
    async removeKey(keyId) {
      await trx.deleteFrom('firmware_keys').where('key_id', '=', keyId).execute();
    },
  };
}

function filtered(db: Db, { deviceType, version, q }: FirmwareFilter) {
  let query = db.selectFrom('firmware');
  if (deviceType !== undefined) query = query.where('device_type', 'in', several(deviceType));
  if (version !== undefined) query = query.where('version', 'in', several(version));
  if (q !== undefined) query = query.where(isLike(['device_type', 'version', 'notes'], containing(q)));
  return query;
}

function toFirmware(row: Selectable<FirmwareTables['firmware']>): Firmware {
  return {
    id: row.id,
    deviceType: row.device_type,
    version: row.version,
    sequence: row.sequence,
    size: row.size,
    sha256: row.sha256,
    sha1: row.sha1,
    md5: row.md5,
    notes: row.notes,
    signature: row.signature,
    keyId: row.key_id,
    notAfter: row.not_after,
    blobId: row.blob_id,
    createdBy: row.created_by,
    createdAt: row.created_at,
  };
}

function toKey(row: Selectable<FirmwareTables['firmware_keys']>): FirmwareKey {
  return {
    keyId: row.key_id,
    publicKey: row.public_key,
    name: row.name,
    createdBy: row.created_by,
    createdAt: row.created_at,
  };
}
