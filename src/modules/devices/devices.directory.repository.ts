import type { Kysely } from 'kysely';
import type { SqlStore } from '#platform/sql/sql.port.ts';
import type { DeviceDirectory } from './devices.ports.ts';
import type { DeviceTables } from './devices.tables.ts';

const FACTS = [
  'id as deviceId',
  'device_uid as deviceUid',
  'owner_id as ownerId',
  'name',
  'device_type as deviceType',
  'group_id as groupId',
  'created_at as createdAt',
] as const;

export function createDeviceDirectory(store: SqlStore): DeviceDirectory {
  const devices = () => (store.db() as Kysely<DeviceTables>).selectFrom('devices').where('deleted_at', 'is', null);
  return {
    async describe(deviceIds) {
      if (deviceIds.length === 0) return [];
      return await devices().select(FACTS).where('id', 'in', deviceIds).orderBy('id').execute();
    },
    async listInScope({ ownerId, deviceId, groupId, deviceType }, afterId, limit) {
      let query = devices().select(FACTS).where('id', '>', afterId);
      if (ownerId !== undefined) query = query.where('owner_id', '=', ownerId);
      if (deviceId !== undefined) query = query.where('id', '=', deviceId);
      if (groupId !== undefined) query = query.where('group_id', '=', groupId);
      if (deviceType !== undefined) query = query.where('device_type', '=', deviceType);
      return await query.orderBy('id').limit(limit).execute();
    },
    async groupExists(groupId) {
      const db = store.db<DeviceTables>();
      const found = await db.selectFrom('device_groups').select('id').where('id', '=', groupId).executeTakeFirst();
      return found !== undefined;
    },
  };
}
