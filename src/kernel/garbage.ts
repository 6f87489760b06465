import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Gives back what the calling thread no longer needs of its heap; for once, after a start. V8 would keep it until the
 * heap has grown to twice that.
 */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options: {
    type: 'major';
    execution: 'async';
    flavor: 'last-resort';
  }) => unknown;
  collect({ type: 'major', execution: 'async', flavor: 'last-resort' });
}
