import type { Kysely, Selectable } from 'kysely';
import { several } from '#kernel/pagination.ts';
import type { DevicesApi } from '#modules/devices/index.ts';
import type { AuditTrail } from '#platform/audit/audit.port.ts';
import { countOf, readPage } from '#platform/sql/pages.port.ts';
import { containing, isLike, type SqlStore } from '#platform/sql/sql.port.ts';
import {
  type GroupConfig,
  MAX_VERSIONS,
  type StoredTwin,
  type TwinReader,
  type TwinStore,
  type TwinVersion,
  type TwinWriter,
} from './twin.ports.ts';
import type { TwinTables } from './twin.tables.ts';
import { forgotten } from './twin.versions.ts';

type Db = Kysely<TwinTables>;

export function createTwinStore(
  store: SqlStore,
  audit: AuditTrail,
  devices: Pick<DevicesApi, 'describeIn' | 'markConfigSync' | 'settleConfigs'>,
): TwinStore {
  const db = () => store.db<TwinTables>();
  return {
    find: (deviceUid) => reader(db()).find(deviceUid),
    findGroup: (groupId) => reader(db()).findGroup(groupId),
    findVersion: (deviceId, version) => reader(db()).findVersion(deviceId, version),
    listVersions(deviceId, { filter: { changedBy, q }, ...asked }) {
      let versions = db().selectFrom('device_config_versions').selectAll().where('device_id', '=', deviceId);
      if (changedBy !== undefined) versions = versions.where('changed_by', 'in', several(changedBy));
      if (q !== undefined) versions = versions.where(isLike(['own', 'effective'], containing(q)));
      return readPage(versions, { ...asked, tie: { field: 'version', direction: 'desc' } }, toVersion);
    },
    async listWork(limit) {
      const rows = await db()
        .selectFrom('group_configs')
        .select('group_id')
        .where('is_applied', '=', 0)
        .orderBy('updated_at')
        .orderBy('group_id')
        .limit(limit)
        .execute();
      return rows.map(({ group_id }) => group_id);
    },
    async listUntold(before, after, limit) {
      let untold = db()
        .selectFrom('device_configs')
        .select(['device_uid as deviceUid', 'config_updated_at as updatedAt'])
        .where('is_told', '=', 0)
        .where('config_updated_at', '<', before);
      if (after !== null) {
        untold = untold
          .where('config_updated_at', '>=', after.updatedAt)
          .where(({ eb, or }) =>
            or([eb('config_updated_at', '>', after.updatedAt), eb('device_uid', '>', after.deviceUid)]),
          );
      }
      const rows = await untold.orderBy('config_updated_at').orderBy('device_uid').limit(limit).execute();
      return rows.map(({ deviceUid, updatedAt }) => ({ deviceUid, updatedAt: updatedAt ?? 0 }));
    },
    markTold: (versions) =>
      store.transaction(async (trx: Db) => {
        for (const { deviceUid, version } of versions) {
          await trx
            .updateTable('device_configs')
            .set({ is_told: 1 })
            .where('device_uid', '=', deviceUid)
            .where('version', '=', version)
            .execute();
        }
      }, 'soon'),
    async count() {
      const configs = db().selectFrom('device_configs');
      return {
        outOfSync: await countOf(configs.where('is_in_sync', '=', 0)),
        untold: await countOf(configs.where('is_told', '=', 0)),
      };
    },
    transaction: (work) => store.transaction((trx: Db) => work(createWriter(trx, devices), audit.on(trx))),
  };
}

function reader(db: Db): TwinReader {
  return {
    async find(deviceUid) {
      const row = await db
        .selectFrom('device_configs')
        .selectAll()
        .where('device_uid', '=', deviceUid)
        .executeTakeFirst();
      return row === undefined ? null : toTwin(row);
    },
    async findGroup(groupId) {
      const row = await db.selectFrom('group_configs').selectAll().where('group_id', '=', groupId).executeTakeFirst();
      return row === undefined ? null : toGroup(row);
    },
    async findVersion(deviceId, version) {
      const row = await db
        .selectFrom('device_config_versions')
        .selectAll()
        .where('device_id', '=', deviceId)
        .where('version', '=', version)
        .executeTakeFirst();
      return row === undefined ? null : toVersion(row);
    },
  };
}

function createWriter(
  trx: Db,
  devices: Pick<DevicesApi, 'describeIn' | 'markConfigSync' | 'settleConfigs'>,
): TwinWriter {
  const read = reader(trx);
  return {
    ...read,
    describe: (deviceIds) => devices.describeIn(trx, deviceIds),
    async save(twin, at) {
      const { device_uid, ...columns } = toRow(twin, at);
      const known = await trx
        .selectFrom('device_configs')
        .select('version')
        .where('device_uid', '=', device_uid)
        .executeTakeFirst();
      const told = twin.version === (known?.version ?? 0) ? {} : { is_told: 0 };
      if (known === undefined) {
        const row = { device_uid, ...columns, is_told: 1, ...told, created_at: at };
        await trx.insertInto('device_configs').values(row).execute();
      } else {
        await trx
          .updateTable('device_configs')
          .set({ ...columns, ...told })
          .where('device_uid', '=', device_uid)
          .execute();
      }
      await devices.markConfigSync(trx, twin.deviceId, twin.isInSync);
    },
    async addVersion({ deviceId, deviceUid }, { version, own, effective, changedBy, userId, at }) {
      await trx
        .insertInto('device_config_versions')
        .values({
          device_uid: deviceUid,
          version,
          device_id: deviceId,
          own: JSON.stringify(own),
          effective: JSON.stringify(effective),
          changed_by: changedBy,
          user_id: userId,
          created_at: at,
          updated_at: at,
        })
        .execute();
      await trx
        .deleteFrom('device_config_versions')
        .where('device_uid', '=', deviceUid)
        .where('version', '<=', version - MAX_VERSIONS)
        .execute();
    },
    async forget({ deviceId, deviceUid }) {
      await trx.deleteFrom('device_config_versions').where('device_id', '=', deviceId).execute();
      const stored = await read.find(deviceUid);
      // A later device of this uid may have it.
      if (stored === null || stored.deviceId !== deviceId) return;
      const { device_uid, updated_at, ...columns } = toRow(forgotten(stored), 0);
      await trx
        .updateTable('device_configs')
        .set({ ...columns, is_told: Number(stored.version === 0) })
        .where('device_uid', '=', device_uid)
        .execute();
    },
    settle: (deviceIds) => devices.settleConfigs(trx, deviceIds),
    async saveGroup({ groupId, version, config, updatedBy }, at) {
      const columns = {
        version,
        config: JSON.stringify(config),
        updated_by: updatedBy,
        is_applied: 0,
        applied_after: 0,
        updated_at: at,
      };
      const known = await trx
        .selectFrom('group_configs')
        .select('group_id')
        .where('group_id', '=', groupId)
        .executeTakeFirst();
      if (known === undefined) {
        const row = { group_id: groupId, ...columns, created_at: at };
        await trx.insertInto('group_configs').values(row).execute();
      } else {
        await trx.updateTable('group_configs').set(columns).where('group_id', '=', groupId).execute();
      }
    },
    async findWork(groupId) {
      const row = await trx
        .selectFrom('group_configs')
        .select(['version', 'applied_after'])
        .where('group_id', '=', groupId)
        .where('is_applied', '=', 0)
        .executeTakeFirst();
      return row === undefined ? null : { groupId, version: row.version, afterId: row.applied_after };
    },
    async advanceWork(groupId, afterId, isDone) {
      await trx
        .updateTable('group_configs')
        .set({ applied_after: afterId, is_applied: Number(isDone) })
        .where('group_id', '=', groupId)
        .execute();
    },
  };
}

function toRow(twin: StoredTwin, at: number) {
  const { reported } = twin;
  return {
    device_uid: twin.deviceUid,
    device_id: twin.deviceId,
    version: twin.version,
    own: JSON.stringify(twin.own),
    effective: JSON.stringify(twin.effective),
    group_id: twin.groupId,
    group_version: twin.groupVersion,
    config_updated_at: twin.updatedAt,
    config_updated_by: twin.updatedBy,
    reported_version: reported?.version ?? null,
    reported_config: reported === null || reported.config === null ? null : JSON.stringify(reported.config),
    reported_error: reported?.error ?? null,
    reported_at: reported?.at ?? null,
    is_in_sync: Number(twin.isInSync),
    updated_at: at,
  };
}

function toTwin(row: Selectable<TwinTables['device_configs']>): StoredTwin {
  return {
    deviceId: row.device_id,
    deviceUid: row.device_uid,
    version: row.version,
    own: JSON.parse(row.own),
    effective: JSON.parse(row.effective),
    groupId: row.group_id,
    groupVersion: row.group_version,
    updatedAt: row.config_updated_at,
    updatedBy: row.config_updated_by,
    reported:
      row.reported_at === null
        ? null
        : {
            version: row.reported_version,
            config: row.reported_config === null ? null : JSON.parse(row.reported_config),
            error: row.reported_error,
            at: row.reported_at,
          },
    isInSync: row.is_in_sync === 1,
  };
}

function toGroup(row: Selectable<TwinTables['group_configs']>): GroupConfig {
  return {
    groupId: row.group_id,
    version: row.version,
    config: JSON.parse(row.config),
    updatedAt: row.updated_at,
    updatedBy: row.updated_by,
  };
}

function toVersion(row: Selectable<TwinTables['device_config_versions']>): TwinVersion {
  return {
    version: row.version,
    own: JSON.parse(row.own),
    effective: JSON.parse(row.effective),
    changedBy: row.changed_by,
    userId: row.user_id,
    at: row.created_at,
  };
}
