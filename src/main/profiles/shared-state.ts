import { join } from 'node:path';
import type { Clock } from '#kernel/clock.ts';
import { defined } from '#kernel/defined.ts';
import type { Component } from '#kernel/lifecycle.ts';
import type { Logger } from '#kernel/logger.ts';
import type { CounterStore } from '#platform/cache/cache.port.ts';
import type { JobObserver, Jobs } from '#platform/jobs/jobs.port.ts';
import type { Leases } from '#platform/leases/leases.port.ts';
import type { FanOut } from '#platform/realtime/socketio/fan-out.ts';
import type { EventRelay } from '#platform/relay/relay.port.ts';
import type { SqliteHost } from '#platform/sqlite/sqlite-host.ts';
import type { EventStreams } from '#platform/streams/streams.port.ts';
import type { Settings } from '../settings.ts';

/** What replicas have to share: on Redis, or inside the process while there is only one. */
export interface SharedState {
  /** Rejects while Redis is away: whoever must count, such as the login throttle, refuses then. */
  readonly counters: CounterStore;
  /** Counts for this process alone while Redis is away. */
  readonly rateLimitCounters: CounterStore;
  readonly relay: EventRelay;
  /** What exists once and is used by one process at a time. */
  readonly leases: Leases;
  /** Between the Socket.IO servers of all processes; null: there is one process. */
  readonly fanOut: FanOut | null;
  /** To and from modules in processes of their own; null: there can be none. Its consumers are started last. */
  readonly streams: EventStreams | null;
  /** Background jobs; in a file, which several processes may use, where there is no Redis. */
  createJobs(observer: JobObserver): Promise<Jobs>;
  readonly components: readonly Component[];
  /** By name, for the readiness probe. */
  readonly checks: Readonly<Record<string, () => Promise<void>>>;
}

export async function createSharedState(
  settings: Settings,
  clock: Clock,
  logger: Logger,
  host?: SqliteHost,
): Promise<SharedState> {
  const { createMemoryCounters } = await import('#platform/cache/memory-counters.ts');
  const local = createMemoryCounters({ clock });
  const jobOptions = { timeZone: settings.TZ_NAME, concurrency: settings.WORKER_CONCURRENCY, clock, logger };
  if (settings.REDIS_URL !== null) {
    const { createRedisConnection } = await import('#platform/redis/redis-connection.ts');
    const { createRedisCounters } = await import('#platform/cache/redis/redis-counters.ts');
    const { createRedisRelay } = await import('#platform/relay/redis/redis-relay.ts');
    const connection = createRedisConnection({ url: settings.REDIS_URL, logger });
    const { createFallbackCounters } = await import('#platform/cache/fallback-counters.ts');
    const { createRedisStreams } = await import('#platform/streams/redis/redis-streams.ts');
    const { createRedisFanOut } = await import('#platform/realtime/redis/redis-fan-out.ts');
    const { createRedisLeases } = await import('#platform/leases/redis/redis-leases.ts');
    const relay = createRedisRelay({ connection, logger });
    const counters = createRedisCounters({ connection });
    const streams = createRedisStreams({ connection, logger, consumer: settings.INSTANCE_ID });
    return {
      counters,
      rateLimitCounters: createFallbackCounters({ shared: counters, local, logger }),
      relay,
      leases: createRedisLeases({ connection }),
      fanOut: createRedisFanOut({ connection, relay, logger }),
      streams,
      async createJobs(observer) {
        const { createBullJobs } = await import('#platform/jobs/bullmq/jobs.bullmq.ts');
        return createBullJobs({ connection, observer, ...jobOptions });
      },
      components: [connection, relay, streams],
      checks: { redis: () => connection.ping() },
    };
  }
  const { createLocalRelay } = await import('#platform/relay/local-relay.ts');
  const { createMemoryLeases } = await import('#platform/leases/memory-leases.ts');
  const relay = createLocalRelay({ logger });
  return {
    counters: local,
    rateLimitCounters: local,
    relay,
    leases: createMemoryLeases({ clock }),
    fanOut: null,
    streams: null,
    async createJobs(observer) {
      const { createSqliteJobs } = await import('#platform/jobs/sqlite/jobs.sqlite.ts');
      const file = join(settings.DATA_DIR, 'jobs.db');
      return createSqliteJobs({ file, observer, ...jobOptions, ...defined({ host }) });
    },
    components: [relay],
    checks: {},
  };
}
