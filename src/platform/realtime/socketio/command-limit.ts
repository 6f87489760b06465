/** Commands a second that one connection may send for long, and at once. */
const PER_SECOND = 50;
const BURST = 100;

/** A token bucket. @returns whether one more command is within the limit */
export function createCommandLimit(): () => boolean {
  let tokens = BURST;
  let refilledAt = performance.now();
  return () => {
    const now = performance.now();
    tokens = Math.min(BURST, tokens + ((now - refilledAt) / 1_000) * PER_SECOND);
    refilledAt = now;
    if (tokens < 1) return false;
    tokens--;
    return true;
  };
}
