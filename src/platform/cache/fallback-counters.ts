import { isAppError } from '#kernel/errors.ts';
import type { Logger } from '#kernel/logger.ts';
import type { CounterStore } from './cache.port.ts';

export interface FallbackCountersDeps {
  readonly shared: CounterStore;
  readonly local: CounterStore;
  readonly logger: Logger;
}

/**
 * Counts in `shared`; while that is away, each process counts for itself in `local`. For the rate limit, which
 * must neither stop the API nor be off when the store is away. Not for what guards secrets.
 */
export function createFallbackCounters({ shared, local, logger }: FallbackCountersDeps): CounterStore {
  let away = false;

  async function either<T>(work: (counters: CounterStore) => Promise<T>): Promise<T> {
    try {
      const result = await work(shared);
      away = false;
      return result;
    } catch (error) {
      if (!isAppError(error) || error.kind !== 'unavailable') throw error;
      if (!away) logger.warn({ err: error }, 'the shared counters are away, each process counts for itself');
      away = true;
      return work(local);
    }
  }

  return {
    increment: (key, windowMs) => either((counters) => counters.increment(key, windowMs)),
    peek: (key) => either((counters) => counters.peek(key)),
    reset: (key) => either((counters) => counters.reset(key)),
  };
}
