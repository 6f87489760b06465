import { createBackground, createKeyedMutex, createMutex } from '#kernel/concurrency.ts';
import type { Logger } from '#kernel/logger.ts';
import type { MqttDownlink } from '#platform/mqtt/downlink.port.ts';
import type { CurrentTwins } from './twin.current.ts';
import type { ToldVersion, TwinStore } from './twin.ports.ts';

export interface TwinPublisher {
  /**
   * Makes what the device has to have what is retained on its topic. The newest of several calls counts.
   * @returns whether the broker has it, when that is known; otherwise it is logged, and stays untold
   */
  publish(deviceUid: string): Promise<boolean>;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
}

export function createTwinPublisher({
  downlink,
  current,
  store,
  logger,
}: {
  readonly downlink: Pick<MqttDownlink, 'retain' | 'clearRetained'>;
  readonly current: Pick<CurrentTwins, 'toTell'>;
  readonly store: Pick<TwinStore, 'markTold'>;
  readonly logger: Logger;
}): TwinPublisher {
  const lines = createKeyedMutex<string>();
  /** Runs that have not begun. */
  const next = new Map<string, Promise<boolean>>();
  const running = createBackground();
  const marking = createMutex();
  let told: ToldVersion[] = [];

  /** In its turn: never an older one after a newer one. */
  async function send(deviceUid: string): Promise<ToldVersion> {
    next.delete(deviceUid);
    const { payload, version } = await current.toTell(deviceUid);
    if (payload === null) await downlink.clearRetained(deviceUid, 'config');
    else await downlink.retain(deviceUid, 'config', payload);
    return { deviceUid, version };
  }

  /** What is told while one transaction runs goes into the next. */
  function markTold(version: ToldVersion): Promise<void> {
    told.push(version);
    return marking(async () => {
      const together = told;
      told = [];
      if (together.length > 0) await store.markTold(together);
    });
  }

  return {
    publish(deviceUid) {
      // One that waits for its turn will see all that is stored now.
      const waiting = next.get(deviceUid);
      if (waiting !== undefined) return waiting;
      const run = lines
        .run(deviceUid, () => send(deviceUid))
        .then(markTold)
        .then(() => true)
        .catch((error: unknown) => {
          logger.warn({ err: error, device: deviceUid }, 'a configuration was not published');
          return false;
        });
      next.set(deviceUid, run);
      return running.add(run);
    },
    idle: running.idle,
  };
}
