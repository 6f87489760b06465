/** The only source of "now" for services, so that tests own time. */
export interface Clock {
  /** Epoch milliseconds: for what is stored and shown. It jumps when somebody sets the machine's clock. */
  now(): number;
  /**
   * Milliseconds since some instant of this process; goes on at the pace of time whatever `now` is set to. For how
   * long something lasts: windows, leases, delays, time-outs.
   */
  monotonic(): number;
}

export const systemClock: Clock = { now: () => Date.now(), monotonic: () => performance.now() };

/** What is stored with a time this far ahead was stored while the clock was wrong: processes differ by less. */
export const CLOCKS_DIFFER_MS = 60_000;

/** @returns a function that says whether the clock was put back, by more than clocks differ, since it was asked last */
export function watchForSetBack(clock: Clock): () => boolean {
  const offset = () => clock.now() - clock.monotonic();
  let before = offset();
  return () => {
    const known = before;
    before = offset();
    return before < known - CLOCKS_DIFFER_MS;
  };
}

/** Epoch milliseconds → `2026-11-22T19:00:00.000Z`. */
export function toIso(epochMs: number): string {
  return new Date(epochMs).toISOString();
}

export function toIsoOrNull(epochMs: number | null): string | null {
  return epochMs === null ? null : toIso(epochMs);
}
