import type { Clock } from '#kernel/clock.ts';

export interface TestClock extends Clock {
  advance(ms: number): void;
  /** Somebody sets the machine's clock: `now` jumps, no time passes. */
  set(ms: number): void;
}

/** A clock that stands still until it is advanced. Starts at 2026-11-23T00:00:00Z. */
export function createTestClock(start = Date.UTC(2026, 10, 23)): TestClock {
  let now = start;
  let passed = 0;
  return {
    now: () => now,
    monotonic: () => passed,
    advance: (ms) => {
      now += ms;
      passed += ms;
    },
    set: (ms) => {
      now = ms;
    },
  };
}
