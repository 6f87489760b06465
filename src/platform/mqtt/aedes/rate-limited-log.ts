import type { Logger } from '#kernel/logger.ts';

const INTERVAL_MS = 60_000;

/**
 * For events that anybody on the network can cause: each is logged at debug level, and a kind of event as a
 * warning once a minute at most, with the number of times that it happened meanwhile.
 */
export function createRateLimitedLog(logger: Logger) {
  const kinds = new Map<string, { count: number; warnedAt: number }>();
  return (kind: string, fields: object): void => {
    logger.debug({ ...fields, reason: kind }, 'MQTT connection ended');
    let state = kinds.get(kind);
    if (state === undefined) {
      state = { count: 0, warnedAt: Number.NEGATIVE_INFINITY };
      kinds.set(kind, state);
    }
    state.count++;
    const now = performance.now();
    if (now - state.warnedAt < INTERVAL_MS) return;
    logger.warn({ ...fields, reason: kind, times: state.count }, 'MQTT connections ended by the broker');
    state.count = 0;
    state.warnedAt = now;
  };
}
