import { type Kysely, sql } from 'kysely';
import { rename } from '#kernel/fields.ts';
import type { AuditTrail } from '#platform/audit/audit.port.ts';
import type { SqlStore } from '#platform/sql/sql.port.ts';
import { deviceErrors } from './devices.errors.ts';
import { DEVICE_NAMES, SETTING_NAMES } from './devices.fields.ts';
import type { DeviceReader, DeviceStore, DeviceWriter, StatusTransition } from './devices.ports.ts';
import type { Slot, Statements } from './devices.statements.ts';
import { DEVICE_COLUMNS, type DeviceTables } from './devices.tables.ts';
import { recordTransitions } from './status/transitions.repository.ts';

type Db = Kysely<DeviceTables>;

export function createDeviceStore(
  store: SqlStore,
  statements: Statements,
  audit: AuditTrail,
  nextId: () => string,
): DeviceStore {
  return {
    ...createReader(() => store.db<DeviceTables>(), statements),
    transaction: (work) =>
      store.transaction((trx: Db) => work(createWriter(trx, store, statements, nextId), audit.on(trx))),
  };
}

/** @param db looked up at each call, because there is no connection before the store was started */
function createReader(db: () => Db, statements: Statements): DeviceReader {
  return {
    async findById(id) {
      const { rows } = await statements.run(
        db(),
        'device.findById',
        (slot) =>
          db()
            .selectFrom('devices')
            .select(DEVICE_COLUMNS)
            .where('id', '=', slot<number>('id'))
            .where('deleted_at', 'is', null),
        { id },
      );
      return rows[0] ?? null;
    },
    async findRef(id) {
      const { rows } = await statements.run(
        db(),
        'device.findRef',
        (slot) =>
          db()
            .selectFrom('devices')
            .select(['id as deviceId', 'device_uid as deviceUid', 'owner_id as ownerId', 'group_id as groupId'])
            .where('id', '=', slot<number>('id'))
            .where('deleted_at', 'is', null),
        { id },
      );
      return rows[0] ?? null;
    },
    async findRefByUid(deviceUid) {
      const { rows } = await statements.run(
        db(),
        'device.findRefByUid',
        (slot) =>
          db()
            .selectFrom('devices')
            .select(['id as deviceId', 'device_uid as deviceUid', 'owner_id as ownerId'])
            .where('active_device_uid', '=', slot<string>('deviceUid')),
        { deviceUid },
      );
      return rows[0] ?? null;
    },
    async findSecret(deviceUid) {
      const { rows } = await statements.run(
        db(),
        'device.findSecret',
        (slot) =>
          db()
            .selectFrom('devices')
            .select(['id', 'device_uid as deviceUid', 'secret_hash as secretHash'])
            .where('active_device_uid', '=', slot<string>('deviceUid')),
        { deviceUid },
      );
      return rows[0] ?? null;
    },
    async listAfter(afterId, limit) {
      const { rows } = await statements.run(
        db(),
        'device.listAfter',
        (slot) =>
          db()
            .selectFrom('devices')
            .select(DEVICE_COLUMNS)
            .where('id', '>', slot<number>('afterId'))
            // The plus keeps SQLite on the primary key: an index on deleted_at would have to be sorted.
            .where(sql`+deleted_at`, 'is', null)
            .orderBy('id')
            .limit(slot<number>('limit')),
        { afterId, limit },
      );
      return rows;
    },
    async groupExists(groupId) {
      const found = await db().selectFrom('device_groups').select('id').where('id', '=', groupId).executeTakeFirst();
      return found !== undefined;
    },
  };
}

function createWriter(trx: Db, store: SqlStore, statements: Statements, nextId: () => string): DeviceWriter {
  async function rosterChanged(at: number): Promise<void> {
    await statements.run(
      trx,
      'roster.changed',
      (slot) =>
        trx
          .updateTable('device_roster')
          .set({ revision: sql`revision + 1`, updated_at: slot('at') })
          .where('id', '=', 1),
      { at },
    );
  }

  return {
    ...createReader(() => trx, statements),
    async insert(device, at) {
      try {
        const { insertId } = await statements.run(
          trx,
          'device.insert',
          (slot) =>
            trx.insertInto('devices').values({
              device_uid: slot('deviceUid'),
              active_device_uid: slot('deviceUid'),
              ...settingSlots(slot),
              status: 'OFFLINE',
              secret_hash: slot('secretHash'),
              revision: 1,
              created_at: slot('at'),
              updated_at: slot('at'),
            }),
          { ...device, at },
        );
        await rosterChanged(at);
        return Number(insertId);
      } catch (error) {
        if (store.isUniqueViolation(error)) throw deviceErrors.device_uid_taken({ cause: error });
        if (store.isForeignKeyViolation(error)) throw deviceErrors.device_owner_unknown({ cause: error });
        throw error;
      }
    },
    async update(id, changes, at) {
      try {
        await trx
          .updateTable('devices')
          .set({
            ...rename(changes, DEVICE_NAMES),
            ...(changes.groupId === undefined ? {} : { config_due: 1 }),
            updated_at: at,
            revision: sql`revision + 1`,
          })
          .where('id', '=', id)
          .execute();
        await rosterChanged(at);
      } catch (error) {
        if (store.isForeignKeyViolation(error)) throw deviceErrors.device_owner_unknown({ cause: error });
        throw error;
      }
    },
    async recordTransition(transition, at) {
      const [recorded] = await recordTransitions(trx, [transition], nextId, at);
      return recorded as StatusTransition;
    },
    async setSecret(id, secretHash, at) {
      await trx
        .updateTable('devices')
        .set({ secret_hash: secretHash, updated_at: at, revision: sql`revision + 1` })
        .where('id', '=', id)
        .execute();
    },
    async remove(id, at) {
      await trx
        .updateTable('devices')
        .set({
          ...{ active_device_uid: null, secret_hash: '', deleted_at: at, config_due: 1, updated_at: at },
          revision: sql`revision + 1`,
        })
        .where('id', '=', id)
        .execute();
      await rosterChanged(at);
    },
  };
}

function settingSlots(slot: Slot) {
  return Object.fromEntries(Object.entries(SETTING_NAMES).map(([field, column]) => [column, slot(field)])) as Record<
    (typeof SETTING_NAMES)[keyof typeof SETTING_NAMES],
    never
  >;
}
