import { createBackground, createKeyedMutex } from '#kernel/concurrency.ts';
import type { Logger } from '#kernel/logger.ts';
import type { MqttDownlink } from '#platform/mqtt/downlink.port.ts';

export interface TwinPublisher {
  /**
   * Makes what the device has to have what is retained on its topic. The newest of several calls counts.
   * @returns when the broker has it; a broker that is away is logged, and asks again by itself
   */
  publish(deviceUid: string): Promise<void>;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
}

export function createTwinPublisher({
  downlink,
  payloadOf,
  logger,
}: {
  readonly downlink: Pick<MqttDownlink, 'retain' | 'clearRetained'>;
  readonly payloadOf: (deviceUid: string) => Promise<string | null>;
  readonly logger: Logger;
}): TwinPublisher {
  const lines = createKeyedMutex<string>();
  const running = createBackground();

  async function send(deviceUid: string): Promise<void> {
    // Read in its turn: never an older one after a newer one.
    const payload = await payloadOf(deviceUid);
    if (payload === null) await downlink.clearRetained(deviceUid, 'config');
    else await downlink.retain(deviceUid, 'config', payload);
  }

  return {
    publish(deviceUid) {
      const run = lines
        .run(deviceUid, () => send(deviceUid))
        .catch((error: unknown) => logger.warn({ err: error, device: deviceUid }, 'a configuration was not published'));
      return running.add(run);
    },
    idle: running.idle,
  };
}
