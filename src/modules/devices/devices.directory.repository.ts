import type { Kysely } from 'kysely';
import type { SqlStore } from '#platform/sql/sql.port.ts';
import type { DeviceDirectory, DeviceFacts, DeviceScope } from './devices.ports.ts';
import type { DeviceTables } from './devices.tables.ts';

const FACTS = [
  'id as deviceId',
  'device_uid as deviceUid',
  'owner_id as ownerId',
  'name',
  'device_type as deviceType',
  'group_id as groupId',
  'created_at as createdAt',
  'firmware_version as firmwareVersion',
  'timezone',
] as const;

/** Column of the list that another module keeps. */
export async function markConfigSync(
  transaction: Kysely<DeviceTables>,
  deviceId: number,
  isInSync: boolean,
): Promise<void> {
  await transaction
    .updateTable('devices')
    .set({ config_in_sync: Number(isInSync) })
    .where('id', '=', deviceId)
    .where('config_in_sync', '!=', Number(isInSync))
    .execute();
}

export async function settleConfigs(transaction: Kysely<DeviceTables>, deviceIds: readonly number[]): Promise<void> {
  if (deviceIds.length === 0) return;
  await transaction.updateTable('devices').set({ config_due: 0 }).where('id', 'in', deviceIds).execute();
}

/** As `describe`, within the transaction of whoever decides by it. */
export async function describeIn(
  db: Kysely<DeviceTables>,
  deviceIds: readonly number[],
): Promise<readonly DeviceFacts[]> {
  if (deviceIds.length === 0) return [];
  return await db
    .selectFrom('devices')
    .select(FACTS)
    .where('deleted_at', 'is', null)
    .where('id', 'in', deviceIds)
    .orderBy('id')
    .execute();
}

export function createDeviceDirectory(store: SqlStore): DeviceDirectory {
  const devices = () => (store.db() as Kysely<DeviceTables>).selectFrom('devices').where('deleted_at', 'is', null);
  function inScope({ ownerId, deviceId, groupId, deviceType }: DeviceScope) {
    let query = devices();
    if (ownerId !== undefined) query = query.where('owner_id', '=', ownerId);
    if (deviceId !== undefined) query = query.where('id', '=', deviceId);
    if (groupId !== undefined) query = query.where('group_id', '=', groupId);
    if (deviceType !== undefined) query = query.where('device_type', '=', deviceType);
    return query;
  }

  return {
    describe: (deviceIds) => describeIn(store.db(), deviceIds),
    listInScope: async (scope, afterId, limit) =>
      await inScope(scope).select(FACTS).where('id', '>', afterId).orderBy('id').limit(limit).execute(),
    async countInScope(scope) {
      const row = await inScope(scope)
        .select((eb) => eb.fn.countAll<number>().as('count'))
        .executeTakeFirst();
      return Number(row?.count ?? 0);
    },
    listConfigsDue: async (limit) =>
      await store
        .db<DeviceTables>()
        .selectFrom('devices')
        .select(['id as deviceId', 'device_uid as deviceUid'])
        .where('config_due', '=', 1)
        .orderBy('id')
        .limit(limit)
        .execute(),
    async countConfigsDue() {
      const row = await store
        .db<DeviceTables>()
        .selectFrom('devices')
        .select((eb) => eb.fn.countAll<number>().as('count'))
        .where('config_due', '=', 1)
        .executeTakeFirst();
      return Number(row?.count ?? 0);
    },
    async groupExists(groupId) {
      const db = store.db<DeviceTables>();
      const found = await db.selectFrom('device_groups').select('id').where('id', '=', groupId).executeTakeFirst();
      return found !== undefined;
    },
  };
}
