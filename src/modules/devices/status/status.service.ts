import type { Clock } from '#kernel/clock.ts';
import { createMutex, giveWay } from '#kernel/concurrency.ts';
import type { EventBus } from '#kernel/events.ts';
import type { StatusTransition } from '../devices.ports.ts';
import type { StatusStore, StoredState } from './status.ports.ts';
import { type DeviceState, nextState, type StatusChange, sameRecord } from './status.rules.ts';

export interface StatusService {
  applyStatuses(changes: readonly StatusChange[]): Promise<readonly StatusTransition[]>;
  touchLastSeen(seen: ReadonlyMap<number, number>): Promise<void>;
  markAllOffline(at: number): Promise<readonly StatusTransition[]>;
  /**
   * Every ONLINE or ERROR device becomes OFFLINE that said nothing for its `inactivity_seconds`, all of them after
   * `listeningSince`. `device.went_silent` is emitted for each transition. May be cut off by `signal`: what was done
   * stays done.
   */
  markSilentOffline(listeningSince: number, signal: AbortSignal): Promise<readonly StatusTransition[]>;
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

/** SQLite runs on this thread: so many devices are read or written in a few milliseconds, then others have their turn. */
const SLICE = 128;
const NEVER = new AbortController().signal;

/** A transition as it comes out of a slice, with what its event needs besides. */
interface Transition {
  readonly transition: StatusTransition;
  readonly lastSeenAt: number | null;
}

export function createStatusService({ store, clock, events }: StatusServiceDeps): StatusService {
  const inOrder = createMutex();

  /**
   * All or nothing, because whoever asked for a batch that failed asks again for all of it. The turns for
   * others inside the transaction keep requests that need no SQL going; the rest waits for one batch.
   */
  async function storeChanges(changes: readonly StatusChange[]): Promise<readonly Transition[]> {
    const now = clock.now();
    return store.transaction(async (writer) => {
      const known = new Map<number, { readonly stored: StoredState; current: DeviceState }>();
      await inTurns([...new Set(changes.map(({ deviceId }) => deviceId))], async (ids) => {
        for (const stored of await writer.states(ids)) known.set(stored.deviceId, { stored, current: stored.state });
      });
      const found: Omit<StatusTransition, 'id'>[] = [];
      const lastSeen: (number | null)[] = [];
      for (const change of changes) {
        const device = known.get(change.deviceId);
        if (device === undefined) continue;
        const from = device.current.status;
        device.current = nextState(device.current, change);
        const { status: to, lastSeenAt } = device.current;
        if (from === to) continue;
        const { deviceId, deviceUid } = device.stored;
        found.push({ deviceId, deviceUid, from, to, at: change.at, source: change.source });
        lastSeen.push(lastSeenAt);
      }
      const changed = [...known.values()].filter(({ stored, current }) => stored.state !== current);
      await inTurns(changed, async (devices) => {
        for (const { stored, current } of devices) {
          if (!sameRecord(stored.state, current)) await writer.save(stored.deviceId, current, now);
          else if (current.lastSeenAt !== null) await writer.touch(stored.deviceId, current.lastSeenAt);
        }
      });
      const transitions = await writer.record(found, now);
      return transitions.map((transition, index) => ({ transition, lastSeenAt: lastSeen[index] ?? null }));
    });
  }

  function announce({ transition, lastSeenAt }: Transition): StatusTransition {
    events.emit('device.status_changed', transition.at, {
      transition_id: transition.id,
      device_id: transition.deviceId,
      device_uid: transition.deviceUid,
      from: transition.from,
      to: transition.to,
      source: transition.source,
      last_seen_at: lastSeenAt,
    });
    return transition;
  }

  async function apply(changes: readonly StatusChange[]): Promise<readonly StatusTransition[]> {
    if (changes.length === 0) return [];
    const transitions: StatusTransition[] = [];
    await inTurns(await storeChanges(changes), async (slice) => {
      for (const stored of slice) transitions.push(announce(stored));
    });
    return transitions;
  }

  /** Applies a change to every device that `find` lists, slice by slice, with turns for others in between. */
  async function sweep(
    find: (afterId: number, limit: number) => Promise<readonly StatusChange[]>,
    signal: AbortSignal,
  ): Promise<readonly StatusTransition[]> {
    const transitions: StatusTransition[] = [];
    let afterId = 0;
    for (;;) {
      signal.throwIfAborted();
      const changes = await find(afterId, SLICE);
      const last = changes.at(-1);
      if (last === undefined) return transitions;
      afterId = last.deviceId;
      transitions.push(...(await apply(changes)));
      await giveWay();
    }
  }

  return {
    inOrder,
    applyStatuses: (changes) => inOrder(() => apply(changes)),
    touchLastSeen: (seen) =>
      inTurns([...seen], (slice) =>
        store.transaction(async (writer) => {
          for (const [deviceId, seenAt] of slice) await writer.touch(deviceId, seenAt);
          // Nobody waits for it, and others would wait for its turn of the disk.
        }, 'soon'),
      ),
    markAllOffline: (at) =>
      inOrder(() =>
        sweep(async (afterId, limit) => {
          const ids = await store.onlineAfter(afterId, limit);
          return ids.map((deviceId) => ({ deviceId, status: 'OFFLINE', at, source: 'server' }));
        }, NEVER),
      ),
    async markSilentOffline(listeningSince, signal) {
      const at = clock.now();
      // Else a device that was heard of while the clock was ahead would not be silent before that instant.
      await store.pullBack(at);
      const transitions = await inOrder(() =>
        sweep(async (afterId, limit) => {
          const silent = await store.silentAfter(at, listeningSince, afterId, limit);
          return silent.map(({ deviceId, silentSince }) => ({
            ...({ deviceId, status: 'OFFLINE', at, source: 'health' } as const),
            unlessSeenSince: silentSince,
          }));
        }, signal),
      );
      for (const { deviceId, deviceUid } of transitions) {
        events.emit('device.went_silent', at, { device_id: deviceId, device_uid: deviceUid });
      }
      return transitions;
    },
  };
}

/** Works through `items` slice by slice, with turns for others in between. */
async function inTurns<T>(items: readonly T[], work: (slice: readonly T[]) => Promise<void>): Promise<void> {
  for (let index = 0; index < items.length; index += SLICE) {
    if (index > 0) await giveWay();
    await work(items.slice(index, index + SLICE));
  }
}
