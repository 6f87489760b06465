import { aborted, coalesce } from '#kernel/concurrency.ts';
import { commonErrors } from '#kernel/errors.ts';
import type { Logger } from '#kernel/logger.ts';

export interface Outbox<T> {
  /** Resolves when it was sent, or at `close`. @throws AppError `unavailable` when too many wait */
  put(item: T): Promise<void>;
  /** Sends what waits, as long as that works and there is time. */
  close(signal: AbortSignal): Promise<void>;
}

const MAX_WAITING = 10_000;
const BATCH = 100;
const RETRY_MS = 500;

/** Sends in order, in batches, and again after a failure. */
export function createOutbox<T>(send: (items: readonly T[]) => Promise<void>, logger: Logger): Outbox<T> {
  const waiting: { readonly item: T; readonly sent: () => void }[] = [];
  let retry: NodeJS.Timeout | undefined;
  let failing = false;
  let closed = false;

  async function drain(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, BATCH);
      try {
        await send(batch.map(({ item }) => item));
      } catch (error) {
        if (!failing) logger.warn({ err: error, waiting: waiting.length }, 'events wait for their stream');
        failing = true;
        if (!closed) retry = setTimeout(flush, RETRY_MS).unref();
        return;
      }
      failing = false;
      waiting.splice(0, batch.length);
      for (const { sent } of batch) sent();
    }
  }

  const drains = coalesce(drain, () => {
    // Put in while the last batch was being told of.
    if (waiting.length > 0 && !failing) flush();
  });

  function flush(): void {
    void drains.run();
  }

  return {
    put(item) {
      if (closed || waiting.length >= MAX_WAITING) {
        return Promise.reject(commonErrors.unavailable({ detail: 'Too many events wait for their stream.' }));
      }
      return new Promise((sent) => {
        waiting.push({ item, sent });
        if (retry === undefined || !failing) flush();
      });
    },
    async close(signal) {
      closed = true;
      clearTimeout(retry);
      flush();
      await Promise.race([drains.current(), aborted(signal)]);
      if (waiting.length > 0) logger.error({ waiting: waiting.length }, 'events are lost: their stream was away');
      for (const { sent } of waiting.splice(0)) sent();
    },
  };
}
