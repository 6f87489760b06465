import { KEEP } from '../attempt.ts';
import { type AnyDefinition, DEFAULT_ATTEMPTS } from '../definitions.ts';

/** How BullMQ treats the jobs of a definition. */
export function jobOptions({ attempts = DEFAULT_ATTEMPTS }: AnyDefinition) {
  return {
    attempts,
    backoff: { type: 'custom' },
    removeOnComplete: { count: KEEP.done.count, age: KEEP.done.ms / 1_000 },
    removeOnFail: { count: KEEP.failed.count, age: KEEP.failed.ms / 1_000 },
    stackTraceLimit: 1,
  };
}
