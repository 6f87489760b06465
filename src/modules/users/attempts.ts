import { createKeyedMutex } from '#kernel/concurrency.ts';
import type { CounterStore } from '#platform/cache/cache.port.ts';

/** What failures are counted by. */
export interface AttemptLimit {
  /** Prefixed with what it is for. */
  readonly key: string;
  readonly failures: number;
  readonly windowMs: number;
  /** Whether an attempt that succeeds forgets the failures. */
  readonly isForgotten?: boolean;
  /** Asked when the limit is reached: whether it does not hold for whoever this is. */
  readonly isExempt?: () => Promise<boolean>;
}

export interface Attempts {
  /**
   * Runs `check`, unless there were as many failures as one of `limits` allows: null counts as a failure, a value as a
   * success, a throw as nothing. Attempts on the same first limit run one after the other, and those on any other count
   * against it while they run, so that many at once get no more guesses than many in a row.
   * @throws what `refusal` makes
   */
  attempt<T>(limits: readonly [AttemptLimit, ...AttemptLimit[]], check: () => Promise<T | null>): Promise<T | null>;
}

export interface AttemptsDeps {
  readonly counters: CounterStore;
  readonly refusal: (retryAfterSeconds: number) => Error;
}

/** Attempts on the same first limit that may wait for their turn. */
const MAX_WAITING = 50;

/**
 * Failures are counted in `counters`, shared by all processes; taking turns, and what is running, is per process. While
 * the counters are away nothing is checked (AppError `unavailable`): whoever can disturb them must not get to guess
 * freely.
 */
export function createAttempts({ counters, refusal }: AttemptsDeps): Attempts {
  const lines = createKeyedMutex<string>();
  const running = new Map<string, number>();

  async function inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
    if (lines.pending(key) > MAX_WAITING) throw refusal(1);
    return await lines.run(key, work);
  }

  function enter(key: string): number {
    const others = running.get(key) ?? 0;
    running.set(key, others + 1);
    return others;
  }

  function leave(key: string): void {
    const left = (running.get(key) ?? 1) - 1;
    if (left === 0) running.delete(key);
    else running.set(key, left);
  }

  async function assertAllowed({ key, failures, isExempt }: AttemptLimit, others: number): Promise<void> {
    const { count, resetInMs } = await counters.peek(key);
    if (count + others < failures || (await isExempt?.()) === true) return;
    throw refusal(count < failures ? 1 : Math.max(1, resetInMs / 1000));
  }

  async function settle(limits: readonly AttemptLimit[], failed: boolean): Promise<void> {
    for (const { key, windowMs, isForgotten } of limits) {
      if (failed) await counters.increment(key, windowMs);
      else if (isForgotten === true) await counters.reset(key);
    }
  }

  return {
    attempt(limits, check) {
      return inTurn(limits[0].key, async () => {
        const others = limits.map(({ key }) => enter(key));
        try {
          for (const [index, limit] of limits.entries()) await assertAllowed(limit, others[index] ?? 0);
          const result = await check();
          await settle(limits, result === null);
          return result;
        } finally {
          for (const { key } of limits) leave(key);
        }
      });
    },
  };
}
