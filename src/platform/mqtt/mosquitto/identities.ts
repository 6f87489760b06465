import { LRUCache } from 'lru-cache';
import { backoffMs, pause } from '#kernel/concurrency.ts';
import type { Logger } from '#kernel/logger.ts';
import { DEVICE_UID, type MqttDevice, type MqttHandler } from '../mqtt.port.ts';

/** Whose message is it? The topic says the uid, the system knows the device. */
export interface Identities {
  /** Calls `then` with the device, or null when there is none; at once when it is known. In order for one uid. */
  with(deviceUid: string, then: (device: MqttDevice | null) => void): void;
  /** The uid may be another device's from now on. */
  forget(deviceUid: string): void;
  /** What waits for an answer is given up. */
  stop(): void;
}

/** So that a deletion of which word was lost is noticed too. */
const TRUSTED_MS = 60_000;
const KEPT_DEVICES = 200_000;
const RETRY = { firstMs: 100, longestMs: 5_000 };

export function createIdentities(handler: Pick<MqttHandler, 'identify'>, logger: Logger): Identities {
  const known = new LRUCache<string, MqttDevice>({ max: KEPT_DEVICES, ttl: TRUSTED_MS, ttlResolution: 1_000 });
  const waiting = new Map<string, ((device: MqttDevice | null) => void)[]>();
  let stopped = false;

  async function look(deviceUid: string): Promise<void> {
    let device: MqttDevice | null = null;
    for (let attempt = 0; !stopped; attempt++) {
      try {
        device = DEVICE_UID.test(deviceUid) ? await handler.identify(deviceUid) : null;
        break;
      } catch (error) {
        if (attempt === 0)
          logger.warn({ err: error, device_uid: deviceUid }, 'a device cannot be looked up; its messages wait');
        await pause(backoffMs(RETRY, attempt));
      }
    }
    const callers = waiting.get(deviceUid) ?? [];
    waiting.delete(deviceUid);
    if (stopped) return;
    if (device !== null) known.set(deviceUid, device);
    for (const then of callers) then(device);
  }

  return {
    with(deviceUid, then) {
      const device = known.get(deviceUid);
      if (device !== undefined) return then(device);
      const callers = waiting.get(deviceUid);
      if (callers !== undefined) {
        callers.push(then);
        return;
      }
      waiting.set(deviceUid, [then]);
      void look(deviceUid);
    },
    forget: (deviceUid) => void known.delete(deviceUid),
    stop() {
      stopped = true;
      waiting.clear();
    },
  };
}
