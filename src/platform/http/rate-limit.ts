import type { CounterStore } from '#platform/cache/cache.port.ts';

type Callback = (error: Error | null, result?: { current: number; ttl: number }) => void;

/** `@fastify/rate-limit` on the counter port, so that replicas share their counts when Redis is configured. */
export function createRateLimitStore(counters: CounterStore) {
  return class RateLimitStore {
    incr(key: string, callback: Callback, timeWindow: number): void {
      counters.increment(`http:${key}`, timeWindow).then(
        ({ count, resetInMs }) => callback(null, { current: count, ttl: resetInMs }),
        (error: Error) => callback(error),
      );
    }
    child(): RateLimitStore {
      return this;
    }
  };
}
