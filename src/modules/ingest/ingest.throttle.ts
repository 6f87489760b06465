import { LRUCache } from 'lru-cache';
import type { Clock } from '#kernel/clock.ts';

const REMEMBERED_DEVICES = 100_000;
/** A timer takes no more than 2^31 ms, and fires at once beyond: what is owed above this is let off. */
const MAX_DEBT_MS = 24 * 86_400_000;

/** Slows one loud device so that it does not starve the rest. An item of an array counts as a message of its own. */
export interface DeviceThrottle {
  /**
   * Counts the items of one message against the device's rate. Within the rate it returns `acknowledge` as it is;
   * above, a function that acknowledges later, so that the broker reads this connection slower.
   */
  pace(deviceId: number, items: number, acknowledge: () => void): () => void;
  /**
   * The same for a request, which has no connection that could be read slower.
   * @returns milliseconds until the device may ask again; 0: its items are counted
   */
  admit(deviceId: number, items: number): number;
}

export const unthrottled: DeviceThrottle = { pace: (_deviceId, _items, acknowledge) => acknowledge, admit: () => 0 };

export interface DeviceThrottleOptions {
  readonly itemsPerSecond: number;
  /** False: messages are counted, and never held back. */
  readonly isMqttPaced: boolean;
  readonly clock: Clock;
  /** Told each delay in milliseconds. */
  readonly onDelay: (delayMs: number) => void;
}

/**
 * A token bucket a device that holds one second's worth (GCRA: one number a device, the time at which the
 * bucket would be full again; https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm).
 */
export function createDeviceThrottle(options: DeviceThrottleOptions): DeviceThrottle {
  const { isMqttPaced, clock, onDelay } = options;
  const fullAt = new LRUCache<number, number>({ max: REMEMBERED_DEVICES });
  const costMs = 1_000 / options.itemsPerSecond;

  /** @returns by how much the device is above its rate now */
  function count(deviceId: number, items: number, now: number): number {
    const owed = Math.max(fullAt.get(deviceId) ?? now, now) + costMs * items;
    const next = Math.min(owed, now + 1_000 + MAX_DEBT_MS);
    fullAt.set(deviceId, next);
    return next - now - 1_000;
  }

  return {
    pace(deviceId, items, acknowledge) {
      const now = clock.monotonic();
      const delayMs = count(deviceId, items, now);
      if (delayMs <= 0 || !isMqttPaced) return acknowledge;
      onDelay(delayMs);
      return () => {
        setTimeout(acknowledge, Math.max(0, now + delayMs - clock.monotonic()));
      };
    },
    admit(deviceId, items) {
      const now = clock.monotonic();
      const debtMs = (fullAt.get(deviceId) ?? now) - now - 1_000;
      if (debtMs > 0) return debtMs;
      count(deviceId, items, now);
      return 0;
    },
  };
}
