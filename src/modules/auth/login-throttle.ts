import type { CounterStore } from '#platform/cache/cache.port.ts';
import { authErrors } from './auth.errors.ts';
import type { LoginThrottle } from './auth.ports.ts';

const MAX_FAILURES = 5;
const WINDOW_MS = 15 * 60_000;
/** Attempts on one account and address that may wait for their turn. */
const MAX_WAITING = 50;

interface Line {
  tail: Promise<unknown>;
  length: number;
}

/**
 * Failures are counted in `counters`, shared by all processes; taking turns is per process. While the counters
 * are away nobody logs in (AppError `unavailable`): whoever can disturb them must not get to guess freely.
 */
export function createLoginThrottle({ counters }: { readonly counters: CounterStore }): LoginThrottle {
  const lines = new Map<string, Line>();

  async function inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
    const line = lines.get(key) ?? { tail: Promise.resolve(), length: 0 };
    if (line.length > MAX_WAITING) throw authErrors.too_many_logins({ details: { retryAfterSeconds: 1 } });
    lines.set(key, line);
    line.length += 1;
    const result = line.tail.then(work);
    line.tail = result.catch(() => {});
    try {
      return await result;
    } finally {
      line.length -= 1;
      if (line.length === 0) lines.delete(key);
    }
  }

  return {
    attempt(account, address, check) {
      const key = `login:${account}|${address}`;
      return inTurn(key, async () => {
        const { count, resetInMs } = await counters.peek(key);
        if (count >= MAX_FAILURES) {
          throw authErrors.too_many_logins({ details: { retryAfterSeconds: Math.max(1, resetInMs / 1000) } });
        }
        const result = await check();
        if (result === null) await counters.increment(key, WINDOW_MS);
        else if (count > 0) await counters.reset(key);
        return result;
      });
    },
  };
}
