import type { Clock } from '#kernel/clock.ts';
import type { DevicesApi } from '#modules/devices/index.ts';
import type { CurrentTwins } from './twin.current.ts';
import type { ChangedBy, DeviceKey, TwinStore, Untold } from './twin.ports.ts';
import type { TwinPublisher } from './twin.publisher.ts';

/** Devices of one transaction, and that are told at a time. */
const PAGE = 200;
/** In one round: 10,000 devices. The next round goes on. */
const PAGES = 50;
/** What was changed within this time is told by whoever changed it, in milliseconds. */
const BEING_TOLD_MS = 60_000;

/**
 * Does what a process that ended has left undone. Both kinds of work are rows that were marked in the transaction of the
 * change, so a round costs as much as there is to do, however large the fleet is.
 */
export interface TwinSweep {
  /** Devices that were made, moved to another group or deleted. @returns how many it has seen to */
  settle(signal: AbortSignal): Promise<number>;
  /** Versions that the broker does not have; ends when it takes none. @returns how many it has now */
  tell(signal: AbortSignal): Promise<number>;
}

export function createTwinSweep({
  store,
  current,
  publisher,
  devices,
  clock,
  changed,
}: {
  readonly store: TwinStore;
  readonly current: Pick<CurrentTwins, 'renew'>;
  readonly publisher: Pick<TwinPublisher, 'publish'>;
  readonly devices: Pick<DevicesApi, 'listConfigsDue'>;
  readonly clock: Clock;
  readonly changed: (device: DeviceKey, by: ChangedBy) => void;
}): TwinSweep {
  async function settlePage(): Promise<number> {
    const due = await devices.listConfigsDue(PAGE);
    if (due.length === 0) return 0;
    const ids = due.map(({ deviceId }) => deviceId);
    const renewed = await store.transaction(async (writer) => {
      const now = await current.renew(writer, ids, null);
      const present = new Set(now.devices.map(({ deviceId }) => deviceId));
      for (const device of due) if (!present.has(device.deviceId)) await writer.forget(device);
      await writer.settle(ids);
      return now.changed;
    });
    for (const device of renewed) changed(device, 'group');
    return due.length;
  }

  return {
    async settle(signal) {
      let settled = 0;
      for (let page = 0; page < PAGES; page++) {
        signal.throwIfAborted();
        const count = await settlePage();
        settled += count;
        if (count < PAGE) break;
      }
      return settled;
    },

    async tell(signal) {
      let told = 0;
      let after: Untold | null = null;
      for (let page = 0; page < PAGES; page++) {
        signal.throwIfAborted();
        const untold: readonly Untold[] = await store.listUntold(clock.now() - BEING_TOLD_MS, after, PAGE);
        const outcomes = await Promise.all(untold.map(({ deviceUid }) => publisher.publish(deviceUid)));
        const now = outcomes.filter(Boolean).length;
        told += now;
        // The broker is away: the next round asks again.
        if (untold.length < PAGE || now === 0) break;
        after = untold.at(-1) ?? null;
      }
      return told;
    },
  };
}
