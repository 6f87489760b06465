import { hash, randomBytes } from 'node:crypto';
import type { Clock } from '#kernel/clock.ts';
import type { CounterState, CounterStore } from './cache.port.ts';

/** Keys that are counted each for itself. */
const MAX_KEYS = 100_000;
/** Keys beyond them share so many windows. */
const SHARED_WINDOWS = 65_536;
/** Windows that are looked at, whether they are over, for each new one. */
const SWEPT_AT_ONCE = 8;

interface Window {
  count: number;
  readonly endsAt: number;
}

export interface MemoryCountersOptions {
  readonly clock: Clock;
  /** For tests: how many keys are counted each for itself. */
  readonly maxKeys?: number;
}

/**
 * `CounterStore` inside one process, in a bounded memory that forgets nothing: where as many keys are counted as may,
 * further ones share windows, by a hash that nobody outside can compute. So who makes up keys by the hundred thousand
 * makes newcomers share a count, and never gets a count forgotten.
 */
export function createMemoryCounters({ clock, maxKeys = MAX_KEYS }: MemoryCountersOptions): CounterStore {
  const windows = new Map<string, Window>();
  /** By length: windows of another length would end too early, or never. */
  const shared = new Map<number, Map<number, Window>>();
  const salt = randomBytes(16).toString('hex');
  let sweep = windows.entries();

  const isOver = ({ endsAt }: Window) => endsAt <= clock.monotonic();
  const slotOf = (key: string) => Number.parseInt(hash('sha256', salt + key).slice(0, 8), 16) % SHARED_WINDOWS;
  const stateOf = ({ count, endsAt }: Window): CounterState => ({ count, resetInMs: endsAt - clock.monotonic() });

  function removeSomeThatAreOver(): void {
    for (let looked = 0; looked < SWEPT_AT_ONCE; looked += 1) {
      const next = sweep.next();
      if (next.done === true) {
        sweep = windows.entries();
        return;
      }
      if (isOver(next.value[1])) windows.delete(next.value[0]);
    }
  }

  /** Of a key that came while there was no room: it stays there until that window is over. */
  function sharedWindow(key: string): Window | undefined {
    if (shared.size === 0) return undefined;
    const slot = slotOf(key);
    let found: Window | undefined;
    for (const [length, slots] of shared) {
      const window = slots.get(slot);
      if (window === undefined) continue;
      if (!isOver(window)) {
        if (found === undefined || window.count > found.count) found = window;
        continue;
      }
      slots.delete(slot);
      if (slots.size === 0) shared.delete(length);
    }
    return found;
  }

  function current(key: string): Window | undefined {
    const window = windows.get(key);
    if (window === undefined) return sharedWindow(key);
    if (!isOver(window)) return window;
    windows.delete(key);
    return undefined;
  }

  function open(key: string, windowMs: number): Window {
    removeSomeThatAreOver();
    const window = { count: 0, endsAt: clock.monotonic() + windowMs };
    if (windows.size < maxKeys) {
      windows.set(key, window);
      return window;
    }
    const slots = shared.get(windowMs) ?? new Map<number, Window>();
    shared.set(windowMs, slots);
    slots.set(slotOf(key), window);
    return window;
  }

  return {
    async increment(key, windowMs) {
      const window = current(key) ?? open(key, windowMs);
      window.count += 1;
      return stateOf(window);
    },
    async peek(key) {
      const window = current(key);
      return window === undefined ? { count: 0, resetInMs: 0 } : stateOf(window);
    },
    async reset(key) {
      // A shared window holds the counts of others too.
      windows.delete(key);
    },
  };
}
