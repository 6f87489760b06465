import type { Clock } from '#kernel/clock.ts';
import { createOrderedIds } from '#kernel/ids.ts';
import type { Logger } from '#kernel/logger.ts';
import type { RedisConnection } from '#platform/redis/redis-connection.ts';
import { LEASE_MS, retryDelayMs } from '../attempt.ts';
import { checkJobId, createDefinitions } from '../definitions.ts';
import { type JobObserver, type JobRecord, type Jobs, QUEUES, type QueueName } from '../jobs.port.ts';
import { jobOptions } from './job-options.ts';
import { createBullQueues, type StoredQueue } from './queues.ts';
import { createBullScheduler } from './scheduler.ts';
import { BULL_STATES, decodeId, encodeId, isTickToCome, type StoredJob, tickOf, toRecord } from './stored-job.ts';
import { createBullWorker } from './worker.ts';

export interface BullJobsOptions {
  readonly connection: RedisConnection;
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

/** Jobs on BullMQ. The connection is started before, and stopped after. */
export function createBullJobs(options: BullJobsOptions): Jobs {
  const { connection, timeZone, concurrency, clock, logger, observer = { finished: () => {} } } = options;
  const { leaseMs = LEASE_MS, firstRetryMs } = options;
  const definitions = createDefinitions(timeZone, clock);
  const nextId = createOrderedIds(clock);
  const queues = createBullQueues(connection);

  /** Changes a job that is in the state in which that can be done; it may have left it in the meantime. */
  async function change(
    queue: QueueName,
    id: string,
    may: (record: JobRecord) => boolean,
    work: (job: StoredJob) => Promise<void>,
  ): Promise<boolean> {
    const isThere = async () => {
      const found = await queues.find(queue, encodeId(id));
      if (found === null || isTickToCome(found.job, found.state)) return null;
      return may(toRecord(found.job, queue, found.state)) ? found.job : null;
    };
    const job = await isThere();
    if (job === null) return false;
    try {
      await queues.run(queue, () => work(job));
      return true;
    } catch (error) {
      if ((await isThere()) === null) return false;
      throw error;
    }
  }

  /** How many ticks wait in a queue for their time, which is no matter of ours. */
  async function ticksToCome(queue: StoredQueue): Promise<number> {
    const now = clock.now();
    return (await queue.getJobSchedulers()).filter(({ next = 0 }) => next > now).length;
  }

  return {
    name: 'jobs',
    worker: createBullWorker({
      ...{ connection, definitions, timeZone, clock, logger, observer, concurrency, leaseMs },
      retryDelayMs: (failures) => retryDelayMs(failures, firstRetryMs),
    }),
    scheduler: createBullScheduler({ connection, queues, definitions, timeZone, clock, logger }),
    define: (definition) => definitions.define(definition as never),
    definitions: definitions.all,
    nextTick: definitions.nextTick,
    ping: () => connection.ping(),
    async enqueue(name, data, { id, delayMs = 0 } = {}) {
      const definition = definitions.get(name);
      const jobId = id === undefined ? nextId() : encodeId(checkJobId(id));
      await queues.run(definition.queue, (queue) =>
        queue.add(
          name,
          { data: data ?? null },
          { ...jobOptions(definition), jobId, delay: Math.max(0, Math.round(delayMs)) },
        ),
      );
      return decodeId(jobId);
    },
    async counts() {
      const entries = await Promise.all(
        QUEUES.map(async (name) => {
          const [found, ticks] = await queues.run(name, (queue) =>
            Promise.all([queue.getJobCounts(...Object.values(BULL_STATES)), ticksToCome(queue)]),
          );
          const count = (state: string) => found[state] ?? 0;
          return [
            name,
            {
              waiting: count('wait'),
              delayed: Math.max(0, count('delayed') - ticks),
              running: count('active'),
              done: count('completed'),
              failed: count('failed'),
            },
          ] as const;
        }),
      );
      return Object.fromEntries(entries) as Awaited<ReturnType<Jobs['counts']>>;
    },
    list: (queue, { states, offset, limit }) =>
      queues.run(queue, async (stored) => {
        const records: JobRecord[] = [];
        const ticks = states.includes('delayed') ? await ticksToCome(stored) : 0;
        for (const state of states) {
          const isOver = state === 'done' || state === 'failed';
          const last = offset + limit - 1 + (state === 'delayed' ? ticks : 0);
          const jobs = (await stored.getJobs([BULL_STATES[state]], 0, last, !isOver)) as StoredJob[];
          const now = clock.now();
          const ours = jobs.filter((job) => !isTickToCome(job, state) || (tickOf(job) ?? 0) <= now);
          records.push(...ours.map((job) => toRecord(job, queue, state)));
          if (records.length >= offset + limit) break;
        }
        return records.slice(offset, offset + limit);
      }),
    async find(queue, id) {
      const found = await queues.find(queue, encodeId(id));
      return found === null ? null : toRecord(found.job, queue, found.state);
    },
    retry: (queue, id) =>
      change(
        queue,
        id,
        ({ state }) => state === 'failed',
        (job) => job.retry('failed', { resetAttemptsMade: true, resetAttemptsStarted: true }),
      ),
    promote: (queue, id) =>
      change(
        queue,
        id,
        ({ state }) => state === 'delayed',
        (job) => job.promote(),
      ),
    remove: (queue, id) =>
      change(
        queue,
        id,
        ({ state }) => state !== 'running',
        (job) => job.remove(),
      ),
    start: (signal) => queues.open(signal),
    stop: () => queues.close(),
  };
}
