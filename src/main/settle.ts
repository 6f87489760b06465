import { flushCompileCache } from 'node:module';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** After the first requests, so that they do not wait for it. */
const SETTLE_AFTER_MS = 1_500;

/**
 * Once, when the start is over: writes the compile cache (else a process that is killed leaves none) and
 * gives back the memory that starting took. Schema compilers and module loading leave about 50 MB of garbage,
 * which V8 would keep until the heap has grown to twice that.
 */
export function settleAfterStart(): void {
  setTimeout(() => {
    flushCompileCache();
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as (options: {
      type: 'major';
      execution: 'async';
      flavor: 'last-resort';
    }) => unknown;
    collect({ type: 'major', execution: 'async', flavor: 'last-resort' });
  }, SETTLE_AFTER_MS).unref();
}
