import { repeat } from '#kernel/concurrency.ts';
import type { Component } from '#kernel/lifecycle.ts';
import type { Logger } from '#kernel/logger.ts';
import type { StatusService } from './status.service.ts';

const FLUSH_INTERVAL_MS = 1_000;

export interface LastSeen extends Component {
  /** Notes that these devices were heard from. */
  note(deviceIds: Iterable<number>, at: number): void;
}

/** Collects who was heard from and writes it once a second: `last_seen_at` lags by no more than that. */
export function createLastSeen(statuses: Pick<StatusService, 'touchLastSeen'>, logger: Logger): LastSeen {
  let seen = new Map<number, number>();

  async function flush(): Promise<void> {
    if (seen.size === 0) return;
    const taken = seen;
    seen = new Map();
    try {
      await statuses.touchLastSeen(taken);
    } catch (error) {
      logger.warn({ err: error }, 'writing last_seen_at failed; it is tried again');
      for (const [deviceId, at] of taken) if (!seen.has(deviceId)) seen.set(deviceId, at);
    }
  }

  const flushes = repeat(FLUSH_INTERVAL_MS, flush);

  return {
    name: 'last-seen',
    note(deviceIds, at) {
      for (const deviceId of deviceIds) seen.set(deviceId, at);
    },
    async start() {
      flushes.start();
    },
    async stop() {
      await flushes.stop();
      await flush();
    },
  };
}
