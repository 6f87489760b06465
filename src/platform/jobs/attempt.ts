import { backoffMs } from '#kernel/concurrency.ts';
import { type ErrorKind, isAppError } from '#kernel/errors.ts';

/** Kinds that no repetition would mend. */
const PERMANENT: readonly ErrorKind[] = ['invalid', 'not_found', 'forbidden', 'conflict'];
const FIRST_RETRY_MS = 5_000;
export const MAX_RETRY_MS = 15 * 60_000;
const MAX_ERROR_LENGTH = 4_000;

/** A job that so many workers died of is kept as failed. */
export const MAX_LOSSES = 10;
/** A worker that is not heard of for so long has lost its jobs. */
export const LEASE_MS = 30_000;
/** How long the stop of a worker waits for what runs, after it was told to give up. */
export const STOP_GRACE_MS = 3_000;
/** How many finished jobs a queue keeps, and for how long. */
export const KEEP = {
  done: { count: 5_000, ms: 86_400_000 },
  failed: { count: 5_000, ms: 30 * 86_400_000 },
} as const;

export function isPermanent(error: unknown): boolean {
  return isAppError(error) && PERMANENT.includes(error.kind);
}

/**
 * How long to wait after so many failures: 5 s, 20 s, 80 s, 5 min, then 15 min each time. Up to half less by chance,
 * so that what failed together does not come back together.
 */
export function retryDelayMs(failures: number, firstMs = FIRST_RETRY_MS): number {
  return Math.round(backoffMs({ firstMs, longestMs: MAX_RETRY_MS, growth: 4, jitter: 0.5 }, failures - 1));
}

/** What is kept of an error, for people. Where the data of the job is wrong, it says at which of its fields. */
export function describeError(error: unknown): string {
  const [message, ...stack] = (error instanceof Error ? (error.stack ?? String(error)) : String(error)).split('\n');
  const fields = isAppError(error) ? (error.details.fields ?? []).map((field) => `${field.path} ${field.message}`) : [];
  return [message, ...fields, ...stack].join('\n').slice(0, MAX_ERROR_LENGTH);
}
