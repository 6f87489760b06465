import { LRUCache } from 'lru-cache';
import { repeat } from '#kernel/concurrency.ts';
import type { EventBus } from '#kernel/events.ts';
import type { Component } from '#kernel/lifecycle.ts';
import type { Logger } from '#kernel/logger.ts';
import { grownTo } from '#kernel/lru.ts';
import type { StatusService } from './status.service.ts';

/** Asked about again after this, because what another process says of a device is not known here. */
const TRUSTED_MS = 60_000;
const REMEMBERED = 100_000;

/** Which devices that send by HTTP, and so have no connection, are known to be ONLINE. */
export interface HttpPresence {
  /** Whether a request of the device is to be taken for a connect; once, until it is OFFLINE or a minute has passed. */
  isNews(deviceId: number): boolean;
}

/** A request of a device that is known costs one look at a map. */
export function createHttpPresence(events: EventBus): HttpPresence {
  const known = new LRUCache<number, true>({ ...grownTo(REMEMBERED), ttl: TRUSTED_MS });
  events.on('device.went_silent', ({ data }) => void known.delete(data.device_id));
  events.on('device.deleted', ({ data }) => void known.delete(data.device_id));
  events.on('device.status_changed', ({ data }) => {
    if (data.to === 'OFFLINE') known.delete(data.device_id);
  });
  return {
    isNews(deviceId) {
      if (known.has(deviceId)) return false;
      known.set(deviceId, true);
      return true;
    },
  };
}

/** Devices that were set OFFLINE for their silence, while their connection may have lived on. */
export interface Returns {
  /** These were heard of: those that had been silent are ONLINE again. */
  note(deviceIds: Iterable<number>, at: number): void;
}

/**
 * Nothing is asked for a device that was not silent: the common message costs one look at an empty set. What another
 * process found silent is known here by the relay.
 */
export function createReturns(
  statuses: Pick<StatusService, 'applyStatuses'>,
  events: EventBus,
  logger: Logger,
): Returns {
  const silent = new Set<number>();
  events.on('device.went_silent', ({ data }) => void silent.add(data.device_id));
  events.on('device.deleted', ({ data }) => void silent.delete(data.device_id));
  // A connect or a word of its own decides, not we.
  events.on('device.status_changed', ({ data }) => {
    if (data.source !== 'health') silent.delete(data.device_id);
  });

  return {
    note(deviceIds, at) {
      if (silent.size === 0) return;
      const returned = [...deviceIds].filter((deviceId) => silent.delete(deviceId));
      if (returned.length === 0) return;
      const changes = returned.map((deviceId) => ({ deviceId, status: 'ONLINE', at, source: 'health' }) as const);
      statuses.applyStatuses(changes).catch((error: unknown) => {
        logger.warn(
          { err: error },
          'devices that spoke again could not be set ONLINE; it is tried with their next word',
        );
        for (const deviceId of returned) silent.add(deviceId);
      });
    },
  };
}

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
