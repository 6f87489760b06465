import { type Kysely, sql } from 'kysely';
import { CLOCKS_DIFFER_MS } from '#kernel/clock.ts';
import type { SqlStore } from '#platform/sql/sql.port.ts';
import { DEFAULT_INACTIVITY_SECONDS, type DeviceStatus } from '../devices.ports.ts';
import { fillUp, type Statements } from '../devices.statements.ts';
import type { DeviceTables } from '../devices.tables.ts';
import type { StatusStore, StatusWriter } from './status.ports.ts';
import { recordTransitions } from './transitions.repository.ts';

export function createStatusStore(store: SqlStore, statements: Statements, nextId: () => string): StatusStore {
  return {
    transaction: (work, durability) =>
      store.transaction((trx: Kysely<DeviceTables>) => work(createStatusWriter(trx, statements, nextId)), durability),
    async onlineAfter(afterId, limit) {
      const db = store.db<DeviceTables>();
      const online: DeviceStatus = 'ONLINE';
      const rows = await db
        .selectFrom('devices')
        .select('id')
        .where('id', '>', afterId)
        .where('deleted_at', 'is', null)
        .where((eb) => eb.or([eb('status', '=', online), eb('measured_status', '=', online)]))
        .orderBy('id')
        .limit(limit)
        .execute();
      return rows.map(({ id }) => id);
    },
    async pullBack(now) {
      const result = await store
        .db<DeviceTables>()
        .updateTable('devices')
        .set({ last_seen_at: now })
        .where('last_seen_at', '>', now + CLOCKS_DIFFER_MS)
        .executeTakeFirst();
      return Number(result.numUpdatedRows);
    },
    async silentAfter(at, listeningSince, afterId, limit) {
      const reported: readonly DeviceStatus[] = ['ONLINE', 'ERROR'];
      const allowedMs = sql<number>`coalesce(inactivity_seconds, ${DEFAULT_INACTIVITY_SECONDS}) * 1000`;
      const rows = await store
        .db<DeviceTables>()
        .selectFrom('devices')
        .select(['id', 'inactivity_seconds'])
        .where('id', '>', afterId)
        .where('deleted_at', 'is', null)
        .where((eb) => eb.or([eb('status', 'in', reported), eb('measured_status', 'in', reported)]))
        .where((eb) =>
          eb.or([eb('last_seen_at', 'is', null), eb('last_seen_at', '<', sql<number>`${at} - ${allowedMs}`)]),
        )
        .where(sql<number>`${at} - ${allowedMs}`, '>=', listeningSince)
        .orderBy('id')
        .limit(limit)
        .execute();
      return rows.map((row) => ({
        deviceId: row.id,
        silentSince: at - (row.inactivity_seconds ?? DEFAULT_INACTIVITY_SECONDS) * 1_000,
      }));
    },
  };
}

function createStatusWriter(trx: Kysely<DeviceTables>, statements: Statements, nextId: () => string): StatusWriter {
  return {
    async states(deviceIds) {
      if (deviceIds.length === 0) return [];
      const filled = fillUp(deviceIds);
      const { rows } = await statements.run(
        trx,
        `status.states ${filled.length}`,
        (slot) =>
          trx
            .selectFrom('devices')
            .select(['id', 'device_uid', 'status', 'measured_status', 'last_seen_at', 'firmware_version'])
            .select(['ip_address', 'reported_ip_address'])
            .where(
              'id',
              'in',
              filled.map((_, index) => slot<number>(String(index))),
            )
            .where('deleted_at', 'is', null),
        { ...filled },
      );
      return rows.map((row) => ({
        deviceId: row.id,
        deviceUid: row.device_uid,
        state: {
          status: row.status,
          measuredStatus: row.measured_status,
          lastSeenAt: row.last_seen_at,
          firmwareVersion: row.firmware_version,
          ipAddress: row.ip_address,
          reportedIpAddress: row.reported_ip_address,
        },
      }));
    },
    async save(deviceId, state, at) {
      await statements.run(
        trx,
        'status.save',
        (slot) =>
          trx
            .updateTable('devices')
            .set({
              status: slot('status'),
              measured_status: slot('measuredStatus'),
              last_seen_at: slot('lastSeenAt'),
              firmware_version: slot('firmwareVersion'),
              ip_address: slot('ipAddress'),
              reported_ip_address: slot('reportedIpAddress'),
              updated_at: slot('at'),
              revision: sql`revision + 1`,
            })
            .where('id', '=', slot<number>('deviceId')),
        { ...state, deviceId, at },
      );
    },
    record: (transitions, at) => recordTransitions(trx, transitions, nextId, at),
    async touch(deviceId, seenAt) {
      await statements.run(
        trx,
        'status.touch',
        (slot) =>
          trx
            .updateTable('devices')
            .set({ last_seen_at: slot('seenAt') })
            .where('id', '=', slot<number>('deviceId'))
            .where('deleted_at', 'is', null)
            .where((eb) => eb.or([eb('last_seen_at', 'is', null), eb('last_seen_at', '<', slot<number>('seenAt'))])),
        { deviceId, seenAt },
      );
    },
  };
}
