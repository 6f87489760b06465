import { LRUCache } from 'lru-cache';
import type { Clock } from '#kernel/clock.ts';
import type { CounterStore } from './cache.port.ts';

/** Keys kept at the most; the least recently used goes first, so that a scan of addresses cannot fill memory. */
const MAX_KEYS = 100_000;

interface Window {
  count: number;
  readonly endsAt: number;
}

/** `CounterStore` inside one process. */
export function createMemoryCounters({ clock }: { readonly clock: Clock }): CounterStore {
  // By size and not `max`, for which room would be taken at once: 3 MB that most installations never use.
  const windows = new LRUCache<string, Window>({ maxSize: MAX_KEYS, sizeCalculation: () => 1 });

  function current(key: string): Window | undefined {
    const window = windows.get(key);
    if (window === undefined || window.endsAt > clock.monotonic()) return window;
    windows.delete(key);
    return undefined;
  }

  return {
    async increment(key, windowMs) {
      let window = current(key);
      if (window === undefined) {
        window = { count: 0, endsAt: clock.monotonic() + windowMs };
        windows.set(key, window);
      }
      window.count += 1;
      return { count: window.count, resetInMs: window.endsAt - clock.monotonic() };
    },
    async peek(key) {
      const window = current(key);
      return window === undefined
        ? { count: 0, resetInMs: 0 }
        : { count: window.count, resetInMs: window.endsAt - clock.monotonic() };
    },
    async reset(key) {
      windows.delete(key);
    },
  };
}
