import { LRUCache } from 'lru-cache';
import type { Clock } from '#kernel/clock.ts';

const REMEMBERED_DEVICES = 100_000;

/** Slows one loud device so that it does not starve the rest. */
export interface DeviceThrottle {
  /**
   * Counts one message against the device's rate. Within the rate it returns `acknowledge` as it is; above,
   * a function that acknowledges later, so that the broker reads this connection slower.
   */
  pace(deviceId: number, acknowledge: () => void): () => void;
}

export const unthrottled: DeviceThrottle = { pace: (_deviceId, acknowledge) => acknowledge };

/**
 * A token bucket a device that holds one second's worth (GCRA: one number a device, the time at which the
 * bucket would be full again; https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm).
 * `onDelay` is told each delay in milliseconds.
 */
export function createDeviceThrottle(
  messagesPerSecond: number,
  clock: Clock,
  onDelay: (delayMs: number) => void,
): DeviceThrottle {
  const fullAt = new LRUCache<number, number>({ max: REMEMBERED_DEVICES });
  const costMs = 1_000 / messagesPerSecond;

  return {
    pace(deviceId, acknowledge) {
      const now = clock.now();
      const next = Math.max(fullAt.get(deviceId) ?? now, now) + costMs;
      fullAt.set(deviceId, next);
      const delayMs = next - now - 1_000;
      if (delayMs <= 0) return acknowledge;
      onDelay(delayMs);
      return () => {
        setTimeout(acknowledge, Math.max(0, now + delayMs - clock.now()));
      };
    },
  };
}
