import { print } from '../command.ts';

const INTERVAL_MS = 1_000;

/** Lines that say how far it is: at most one a second, and the first and the last of each part in any case. */
export interface Progress {
  step(what: string, done: number, total: number): void;
}

export function createProgress(now: () => number = () => performance.now()): Progress {
  let lastAt = Number.NEGATIVE_INFINITY;
  let lastLine = '';
  let lastPart = '';
  return {
    step(what, done, total) {
      const line = `${what.padEnd(32)} ${done} of ${total}`;
      const isMiddle = what === lastPart && done < total;
      if (line === lastLine || (isMiddle && now() - lastAt < INTERVAL_MS)) return;
      lastPart = what;
      lastAt = now();
      lastLine = line;
      print(line);
    },
  };
}
