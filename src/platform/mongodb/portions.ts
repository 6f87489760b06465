/** A portion is made smaller when the server took longer for one, and larger again when it takes far less. */
const TOO_LONG_MS = 10_000;
/** Of that. */
const SHORT_SHARE = 0.1;
/** Larger ones are not divided. */
const LARGEST = 10_000;

/** @throws what `send` throws; what was sent before took effect */
export type InPortions = <T>(
  operations: readonly T[],
  send: (portion: readonly T[], from: number) => Promise<void>,
) => Promise<void>;

/**
 * Sends many operations in portions that the server manages in time: a batch that is given up as a whole, and repeated
 * as a whole, would never be done.
 */
export function createPortions(tooLongMs = TOO_LONG_MS): InPortions {
  let size = LARGEST;
  return async (operations, send) => {
    let slowestMs = 0;
    for (let from = 0; from < operations.length; ) {
      const portion = operations.slice(from, from + size);
      const startedAt = performance.now();
      try {
        await send(portion, from);
        from += portion.length;
      } finally {
        const tookMs = performance.now() - startedAt;
        slowestMs = Math.max(slowestMs, tookMs);
        if (tookMs > tooLongMs) size = Math.max(1, Math.floor(portion.length / 2));
      }
    }
    // Not on the way: a batch that goes wrong once more is begun once more.
    if (operations.length > 0 && slowestMs < tooLongMs * SHORT_SHARE) size = Math.min(LARGEST, size * 2);
  };
}
