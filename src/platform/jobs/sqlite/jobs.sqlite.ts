import { type Clock, watchForSetBack } from '#kernel/clock.ts';
import { createOrderedIds } from '#kernel/ids.ts';
import type { Logger } from '#kernel/logger.ts';
import type { SqliteHost } from '#platform/sqlite/sqlite-host.ts';
import { LEASE_MS, retryDelayMs } from '../attempt.ts';
import { checkJobId, createDefinitions, DEFAULT_ATTEMPTS } from '../definitions.ts';
import type { JobObserver, Jobs } from '../jobs.port.ts';
import { createJobAccess } from './job-access.ts';
import { createJobRecords } from './job-records.ts';
import type { NewJob } from './job-store.ts';
import { createSqliteScheduler } from './scheduler.ts';
import { createSqliteWorker } from './worker.ts';

export interface SqliteJobsOptions {
  /** Path of the file, or `:memory:`. Several processes may use one file. */
  readonly file: string;
  /** The thread that the file is on, together with others; its own without. */
  readonly host?: SqliteHost;
  readonly timeZone: string;
  /** Jobs at once, in each queue. */
  readonly concurrency: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly observer?: JobObserver;
  /** A worker that is not heard of for so long has lost its jobs. */
  readonly leaseMs?: number;
  /** Before the second try, jitter apart. */
  readonly firstRetryMs?: number;
}

export interface SqliteJobs extends Jobs {
  /**
   * Looks at the clock, and begins what is due by now. For tests that own the clock: otherwise it does so by itself.
   */
  wake(): Promise<void>;
}

const LOOK_AT_CLOCK_MS = 1_000;

interface PendingJob {
  readonly job: NewJob;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export function createSqliteJobs(options: SqliteJobsOptions): SqliteJobs {
  const { timeZone, concurrency, clock, logger, observer = { finished: () => {} } } = options;
  const { leaseMs = LEASE_MS, firstRetryMs } = options;
  const access = createJobAccess(options.file, logger, options.host);
  const store = access.operations;
  const definitions = createDefinitions(timeZone, clock);
  const nextId = createOrderedIds(clock);
  const wasSetBack = watchForSetBack(clock);
  let watching: NodeJS.Timeout | undefined;

  /** At the start, too: the clock may have been wrong when the process before this one ran. */
  async function heal(): Promise<void> {
    try {
      await store.heal(clock.now(), leaseMs);
      void scheduler.wake();
      worker.wake();
    } catch (error) {
      logger.error({ err: error }, 'jobs that were put off by a wrong clock could not be mended');
    }
  }

  async function look(): Promise<void> {
    if (wasSetBack()) await heal();
  }

  const worker = createSqliteWorker({
    store,
    isOpen: access.isOpen,
    definitions,
    clock,
    logger,
    observer,
    concurrency,
    leaseMs,
    retryDelayMs: (failures) => retryDelayMs(failures, firstRetryMs),
  });
  const scheduler = createSqliteScheduler({ store, definitions, timeZone, clock, logger, onTick: worker.wake });
  let pending: PendingJob[] = [];

  /** What was enqueued in one turn of the event loop shares a commit. */
  async function flush(): Promise<void> {
    const batch = pending;
    pending = [];
    if (batch.length === 0) return;
    try {
      await store.add(
        batch.map(({ job }) => job),
        clock.now(),
      );
    } catch (error) {
      for (const { reject } of batch) reject(error);
      return;
    }
    for (const { resolve } of batch) resolve();
    worker.wake();
  }

  return {
    name: 'jobs',
    worker,
    scheduler,
    define: (definition) => definitions.define(definition as never),
    definitions: definitions.all,
    nextTick: definitions.nextTick,
    ...createJobRecords(store, clock, worker.wake),
    ping: access.ping,
    async enqueue(name, data, { id, delayMs = 0 } = {}) {
      const { queue, attempts = DEFAULT_ATTEMPTS } = definitions.get(name);
      const job: NewJob = {
        id: id === undefined ? nextId() : checkJobId(id),
        name,
        queue,
        data: JSON.stringify(data ?? null),
        attempts,
        dueAt: clock.now() + Math.max(0, Math.round(delayMs)),
        scheduledFor: null,
      };
      await new Promise<void>((resolve, reject) => {
        if (pending.length === 0) setImmediate(() => void flush());
        pending.push({ job, resolve, reject });
      });
      return job.id;
    },
    async start(signal) {
      await access.start?.(signal);
      await heal();
      watching = setInterval(() => void look(), LOOK_AT_CLOCK_MS).unref();
    },
    async stop(signal) {
      clearInterval(watching);
      await flush();
      await access.stop?.(signal);
    },
    async wake() {
      await look();
      await scheduler.wake();
      await worker.look();
    },
  };
}
