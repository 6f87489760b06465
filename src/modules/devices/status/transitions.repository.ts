import type { Kysely } from 'kysely';
import type { SqlStore } from '#platform/sql/sql.port.ts';
import type { StatusTransition } from '../devices.ports.ts';
import type { DeviceTables } from '../devices.tables.ts';
import type { TransitionOutbox } from './status.ports.ts';

/** Rows of one statement. */
const SLICE = 128;

/** Writes transitions down in the transaction of the change. @returns them with the ids of their logs */
export async function recordTransitions(
  trx: Kysely<DeviceTables>,
  transitions: readonly Omit<StatusTransition, 'id'>[],
  nextId: () => string,
  now: number,
): Promise<readonly StatusTransition[]> {
  const recorded = transitions.map((transition) => ({ id: nextId(), ...transition }));
  for (let from = 0; from < recorded.length; from += SLICE) {
    const rows = recorded.slice(from, from + SLICE).map((transition) => ({
      id: transition.id,
      device_id: transition.deviceId,
      device_uid: transition.deviceUid,
      from_status: transition.from,
      to_status: transition.to,
      source: transition.source,
      at: transition.at,
      created_at: now,
    }));
    await trx.insertInto('device_transitions').values(rows).execute();
  }
  return recorded;
}

export function createTransitionOutbox(store: SqlStore): TransitionOutbox {
  return {
    async unlogged(before, limit, after = Number.MAX_SAFE_INTEGER) {
      const rows = await store
        .db<DeviceTables>()
        .selectFrom('device_transitions')
        .selectAll()
        .where((row) => row.or([row('created_at', '<', before), row('created_at', '>', after)]))
        .orderBy('id')
        .limit(limit)
        .execute();
      return rows.map((row) => ({
        id: row.id,
        deviceId: row.device_id,
        deviceUid: row.device_uid,
        from: row.from_status,
        to: row.to_status,
        source: row.source,
        at: row.at,
      }));
    },
    async logged(ids) {
      for (let from = 0; from < ids.length; from += SLICE) {
        await store
          .db<DeviceTables>()
          .deleteFrom('device_transitions')
          .where('id', 'in', ids.slice(from, from + SLICE))
          .execute();
      }
    },
  };
}
