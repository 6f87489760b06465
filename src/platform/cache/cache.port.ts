/**
 * Fixed-window counters, shared by every process that uses the same store: rate limit, login throttle.
 * No key is forgotten before its window ends, however many others there are: one that is bounded counts too many
 * rather than too few.
 *
 * A window begins with the first increment of a key and ends `windowMs` later; then the key is gone. Every call
 * throws AppError `unavailable`, within a second or so, when the store is away.
 */
export interface CounterStore {
  /** Adds one and returns the count in the current window, with the milliseconds until it ends. */
  increment(key: string, windowMs: number): Promise<CounterState>;
  /** Reads without counting. A key that was never counted, or whose window ended, is `{count: 0, resetInMs: 0}`. */
  peek(key: string): Promise<CounterState>;
  /** Forgets a key. Unknown keys are fine. */
  reset(key: string): Promise<void>;
}

export interface CounterState {
  readonly count: number;
  readonly resetInMs: number;
}
