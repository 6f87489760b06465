import type { Clock } from '#kernel/clock.ts';
import type { DevicesApi } from '#modules/devices/index.ts';
import type { CommandDispatcher, DeviceKey } from './commands.dispatcher.ts';
import type { CommandStore } from './commands.ports.ts';

/** Devices whose commands are sent at a time. */
const TOGETHER = 16;
const PAGE = 500;
/** A process that made a command and ended before it told anybody did so lately, in milliseconds. */
const RECENT_MS = 3 * 60_000;

/**
 * Finds commands that wait although nobody was told of them: a process ended between storing and sending. Those of a
 * device that was deleted meanwhile are ended: another device may have its `device_uid` by now.
 */
export interface CommandSweep {
  /** All that wait. */
  all(signal: AbortSignal): Promise<void>;
  /** Those that were made in the last minutes; the devices of older ones have been tried. */
  recent(signal: AbortSignal): Promise<void>;
}

export function createCommandSweep({
  store,
  dispatcher,
  devices,
  forget,
  tell,
  clock,
}: {
  readonly store: Pick<CommandStore, 'listWaiting'>;
  readonly dispatcher: Pick<CommandDispatcher, 'pump'>;
  readonly devices: Pick<DevicesApi, 'describe'>;
  /** Ends the commands of a device that is gone. */
  readonly forget: (deviceId: number) => Promise<void>;
  /** Tells the other processes that something waits. */
  readonly tell: (device: DeviceKey) => void;
  readonly clock: Clock;
}): CommandSweep {
  async function since(from: number, signal: AbortSignal): Promise<void> {
    let afterId = 0;
    for (;;) {
      const waiting = await store.listWaiting(from, afterId, PAGE);
      for (let first = 0; first < waiting.length; first += TOGETHER) {
        if (signal.aborted) return;
        await take(waiting.slice(first, first + TOGETHER));
      }
      const last = waiting.at(-1);
      if (last === undefined || waiting.length < PAGE) return;
      afterId = last.deviceId;
    }
  }
  async function take(waiting: readonly DeviceKey[]): Promise<void> {
    const known = await devices.describe(waiting.map(({ deviceId }) => deviceId));
    const present = new Set(known.map(({ deviceId }) => deviceId));
    await Promise.all(
      waiting.map(async (device) => {
        if (!present.has(device.deviceId)) return await forget(device.deviceId);
        tell(device);
        await dispatcher.pump(device);
      }),
    );
  }
  return {
    all: (signal) => since(0, signal),
    recent: (signal) => since(clock.now() - RECENT_MS, signal),
  };
}
