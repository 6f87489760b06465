import type { Queue } from 'bullmq';
import type { RedisConnection } from '#platform/redis/redis-connection.ts';
import type { RedisLink } from '#platform/redis/redis-link.ts';
import type { JobState, QueueName } from '../jobs.port.ts';
import { QUEUES } from '../jobs.port.ts';
import { createSchedule } from '../schedule.ts';
import { type StoredData, type StoredJob, stateOf } from './stored-job.ts';

export type StoredQueue = Queue<StoredData, unknown, string>;

/** The four queues as BullMQ sees them, over one link whose commands fail at once while Redis is away. */
export interface BullQueues {
  open(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
  /** @throws AppError `unavailable` */
  run<T>(queue: QueueName, work: (queue: StoredQueue) => Promise<T>): Promise<T>;
  /** With its state; null when there is none. @throws AppError `unavailable` */
  find(queue: QueueName, encodedId: string): Promise<{ readonly job: StoredJob; readonly state: JobState } | null>;
  readonly link: RedisLink;
}

/** Ticks come from croner, as everywhere, and not from BullMQ's own reading of cron expressions. */
export const SCHEDULE_SETTINGS = {
  repeatStrategy: (after: number, { pattern = '', tz = 'UTC' }: { pattern?: string; tz?: string }) =>
    createSchedule(pattern, tz).next(after) ?? undefined,
};

export function createBullQueues(connection: RedisConnection): BullQueues {
  const link = connection.link('jobs');
  const queues = new Map<QueueName, StoredQueue>();

  const run: BullQueues['run'] = (name, work) =>
    connection.runOn(link, () => {
      const queue = queues.get(name);
      if (queue === undefined) throw new Error('the job queues have not been started');
      return work(queue);
    });

  return {
    link,
    run,
    async open(signal) {
      const { Queue } = await import('bullmq');
      await link.start(signal);
      for (const name of QUEUES) {
        const queue: StoredQueue = new Queue(name, {
          connection: link.client,
          prefix: connection.key('jobs'),
          settings: SCHEDULE_SETTINGS,
        });
        // The link says when it is lost; what fails is told to who called.
        queue.on('error', () => {});
        queues.set(name, queue);
        await queue.waitUntilReady();
      }
    },
    async close() {
      for (const queue of queues.values()) await queue.close();
      queues.clear();
      await link.stop();
    },
    find: (name, id) =>
      run(name, async (queue) => {
        const job = (await queue.getJob(id)) as StoredJob | undefined;
        const state = job === undefined ? null : stateOf(await job.getState());
        return job === undefined || state === null ? null : { job, state };
      }),
  };
}
