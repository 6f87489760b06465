import type { Clock } from '#kernel/clock.ts';
import type { CommandDispatcher, DeviceKey } from './commands.dispatcher.ts';
import type { CommandStore } from './commands.ports.ts';

/** Devices whose commands are sent at a time. */
const TOGETHER = 16;
const PAGE = 500;
/** A process that made a command and ended before it told anybody did so lately, in milliseconds. */
const RECENT_MS = 3 * 60_000;

/** Finds commands that wait although nobody was told of them: a process ended between storing and sending. */
export interface CommandSweep {
  /** All that wait. */
  all(signal: AbortSignal): Promise<void>;
  /** Those that were made in the last minutes; the devices of older ones have been tried. */
  recent(signal: AbortSignal): Promise<void>;
}

export function createCommandSweep({
  store,
  dispatcher,
  tell,
  clock,
}: {
  readonly store: Pick<CommandStore, 'listWaiting'>;
  readonly dispatcher: Pick<CommandDispatcher, 'pump'>;
  /** Tells the other processes that something waits. */
  readonly tell: (device: DeviceKey) => void;
  readonly clock: Clock;
}): CommandSweep {
  async function since(from: number, signal: AbortSignal): Promise<void> {
    let afterId = 0;
    for (;;) {
      const devices = await store.listWaiting(from, afterId, PAGE);
      for (let first = 0; first < devices.length; first += TOGETHER) {
        if (signal.aborted) return;
        await Promise.all(
          devices.slice(first, first + TOGETHER).map(async (device) => {
            tell(device);
            await dispatcher.pump(device);
          }),
        );
      }
      const last = devices.at(-1);
      if (last === undefined || devices.length < PAGE) return;
      afterId = last.deviceId;
    }
  }
  return {
    all: (signal) => since(0, signal),
    recent: (signal) => since(clock.now() - RECENT_MS, signal),
  };
}
