import { backoffMs, pause } from '#kernel/concurrency.ts';
import { isAppError } from '#kernel/errors.ts';
import type { Logger } from '#kernel/logger.ts';

const RETRY = { firstMs: 100, longestMs: 5_000 };

export interface RetryOptions {
  /** Tries that the store may refuse for another reason than being away; infinite: it is asked for ever. */
  readonly refusals: number;
  /** How a try before this call failed. */
  readonly failed?: unknown;
}

/** Repeats what a store does not take. Every step is idempotent, so one that failed halfway is safe to repeat. */
export interface Retrier {
  /**
   * Repeats a step until it succeeds; while the store is away, however long that takes.
   * @throws what the store refused it with, `refusals` times: then the step itself is at fault
   */
  retry<T>(step: () => Promise<T>, options: RetryOptions): Promise<T>;
  /** Whether the last try of anything failed: work waits. */
  isStalled(): boolean;
  /** After it aborts, what the store does not take stays pending. */
  giveUpOn(signal: AbortSignal): void;
}

export function createRetrier(logger: Logger): Retrier {
  let failing = 0;
  let giveUp: AbortSignal | undefined;

  return {
    async retry(step, { refusals, failed }) {
      let left = refusals;
      let attempt = 0;
      let problem = failed;
      const settled = () => {
        if (attempt > 0) failing -= 1;
      };
      for (;;) {
        if (problem !== undefined) {
          const away = isAppError(problem) && problem.kind === 'unavailable';
          if (!away) left -= 1;
          if (left <= 0) {
            settled();
            throw problem;
          }
          if (attempt === 0) failing += 1;
          logger[away ? 'warn' : 'error'](
            { err: problem, attempt },
            'the store does not take a batch; it is kept and tried again',
          );
          if (giveUp?.aborted === true) return await new Promise<never>(() => {});
          await pause(backoffMs(RETRY, attempt));
          attempt += 1;
        }
        try {
          const value = await step();
          if (attempt > 0) logger.info({ attempts: attempt + 1 }, 'the store is back');
          settled();
          return value;
        } catch (error) {
          problem = error ?? new Error('refused without a reason');
        }
      }
    },
    isStalled: () => failing > 0,
    giveUpOn(signal) {
      giveUp = signal;
    },
  };
}

/**
 * Keeps work in the order of the calls. While all goes well, one begins before the other has ended; after one that
 * failed, those behind it wait until it is done.
 * @returns runs `first`, and `otherwise` with what it failed with
 */
export function createLane() {
  let last: Promise<void> = Promise.resolve();
  let late = 0;
  return async function run<T>(first: () => Promise<T>, otherwise: (error: unknown) => Promise<T>): Promise<T> {
    const before = last;
    const { promise, resolve } = Promise.withResolvers<void>();
    last = promise;
    let isLate = late > 0;
    if (isLate) {
      late += 1;
      await before;
    }
    try {
      return await first();
    } catch (error) {
      if (!isLate) {
        isLate = true;
        late += 1;
        await before;
      }
      return await otherwise(error);
    } finally {
      if (isLate) late -= 1;
      resolve();
    }
  };
}

/**
 * Finds, by halves, the items without which `write` succeeds.
 * @param write takes some of the items, in their order; throws when it refuses them
 */
export async function divide<T>(items: readonly T[], write: (part: readonly T[]) => Promise<void>): Promise<T[]> {
  if (items.length === 0) return [];
  try {
    await write(items);
    return [];
  } catch {
    if (items.length === 1) return [...items];
  }
  const middle = Math.ceil(items.length / 2);
  const first = await divide(items.slice(0, middle), write);
  return [...first, ...(await divide(items.slice(middle), write))];
}
