import { setImmediate } from 'node:timers/promises';
import type { Clock } from '#kernel/clock.ts';
import type { EventBus } from '#kernel/events.ts';
import type { StatusStore } from './status.ports.ts';
import { type DeviceState, nextState, type StatusChange, type StatusTransition, sameRecord } from './status.rules.ts';

export interface StatusService {
  applyStatuses(changes: readonly StatusChange[]): Promise<readonly StatusTransition[]>;
  touchLastSeen(seen: ReadonlyMap<number, number>): Promise<void>;
  markAllOffline(at: number): Promise<readonly StatusTransition[]>;
  /**
   * Runs `work` between, never during, the batches above, in the order of the calls: so the events of a
   * transition that a person makes come in the order of the transitions.
   */
  inOrder<T>(work: () => Promise<T>): Promise<T>;
}

export interface StatusServiceDeps {
  readonly store: StatusStore;
  readonly clock: Clock;
  readonly events: EventBus;
}

/**
 * Devices in one transaction. SQLite runs on this thread: as many are written within a few milliseconds,
 * then others have their turn.
 */
const SLICE = 128;

/** A transition as it comes out of a slice, with what its event needs besides. */
interface Transition {
  readonly transition: StatusTransition;
  readonly lastSeenAt: number | null;
}

export function createStatusService({ store, clock, events }: StatusServiceDeps): StatusService {
  let tail: Promise<unknown> = Promise.resolve();

  function inOrder<T>(work: () => Promise<T>): Promise<T> {
    const run = tail.then(work);
    tail = run.catch(() => {});
    return run;
  }

  async function applySlice(changes: readonly StatusChange[]): Promise<readonly Transition[]> {
    const now = clock.now();
    return store.transaction(async (writer) => {
      const stored = await writer.states([...new Set(changes.map(({ deviceId }) => deviceId))]);
      const known = new Map(stored.map((entry) => [entry.deviceId, { ...entry, current: entry.state }]));
      const transitions: Transition[] = [];
      for (const change of changes) {
        const device = known.get(change.deviceId);
        if (device === undefined) continue;
        const from = device.current.status;
        device.current = nextState(device.current, change);
        const { status: to, lastSeenAt } = device.current;
        if (from === to) continue;
        const { deviceId, deviceUid } = device;
        transitions.push({
          transition: { deviceId, deviceUid, from, to, at: change.at, source: change.source },
          lastSeenAt,
        });
      }
      for (const { deviceId, state, current } of known.values()) {
        if (!sameRecord(state, current)) await writer.save(deviceId, current, now);
        else if (advanced(state, current)) await writer.touch(deviceId, current.lastSeenAt ?? 0);
      }
      return transitions;
    });
  }

  function announce({ transition, lastSeenAt }: Transition): StatusTransition {
    events.emit('device.status_changed', transition.at, {
      device_id: transition.deviceId,
      device_uid: transition.deviceUid,
      from: transition.from,
      to: transition.to,
      last_seen_at: lastSeenAt,
    });
    return transition;
  }

  async function apply(changes: readonly StatusChange[]): Promise<readonly StatusTransition[]> {
    const transitions: StatusTransition[] = [];
    for (let index = 0; index < changes.length; index += SLICE) {
      if (index > 0) await setImmediate();
      for (const done of await applySlice(changes.slice(index, index + SLICE))) transitions.push(announce(done));
    }
    return transitions;
  }

  return {
    inOrder,
    applyStatuses: (changes) => inOrder(() => apply(changes)),
    async touchLastSeen(seen) {
      const entries = [...seen];
      for (let index = 0; index < entries.length; index += SLICE) {
        if (index > 0) await setImmediate();
        const slice = entries.slice(index, index + SLICE);
        await store.transaction(async (writer) => {
          for (const [deviceId, seenAt] of slice) await writer.touch(deviceId, seenAt);
        });
      }
    },
    markAllOffline: (at) =>
      inOrder(async () => {
        const transitions: StatusTransition[] = [];
        let afterId = 0;
        for (;;) {
          const online = await store.onlineAfter(afterId, SLICE);
          const last = online.at(-1);
          if (last === undefined) return transitions;
          afterId = last;
          transitions.push(
            ...(await apply(online.map((deviceId) => ({ deviceId, status: 'OFFLINE', at, source: 'health' })))),
          );
          await setImmediate();
        }
      }),
  };
}

function advanced(before: DeviceState, after: DeviceState): boolean {
  return after.lastSeenAt !== before.lastSeenAt;
}
