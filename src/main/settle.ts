import { flushCompileCache } from 'node:module';
import { collectGarbage } from '#kernel/garbage.ts';

/** After the first requests, so that they do not wait for it. */
const SETTLE_AFTER_MS = 1_500;

/**
 * Once, when the start is over: writes the compile cache (else a process that is killed leaves none) and
 * gives back the memory that starting took: schema compilers and module loading leave about 50 MB of garbage.
 */
export function settleAfterStart(): void {
  setTimeout(() => {
    flushCompileCache();
    collectGarbage();
  }, SETTLE_AFTER_MS).unref();
}
