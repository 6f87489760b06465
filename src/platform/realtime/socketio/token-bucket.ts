export interface TokenBucketOptions {
  /** How many may be taken for long. */
  readonly perSecond: number;
  /** How many may be taken at once. */
  readonly burst: number;
}

/** @returns whether one more is within the limit */
export function createTokenBucket({ perSecond, burst }: TokenBucketOptions): () => boolean {
  let tokens = burst;
  let refilledAt = performance.now();
  return () => {
    const now = performance.now();
    tokens = Math.min(burst, tokens + ((now - refilledAt) / 1_000) * perSecond);
    refilledAt = now;
    if (tokens < 1) return false;
    tokens--;
    return true;
  };
}
