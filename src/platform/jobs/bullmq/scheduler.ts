import { isDeepStrictEqual } from 'node:util';
import { CLOCKS_DIFFER_MS, type Clock } from '#kernel/clock.ts';
import type { Component } from '#kernel/lifecycle.ts';
import type { Logger } from '#kernel/logger.ts';
import type { RedisConnection } from '#platform/redis/redis-connection.ts';
import type { Definitions, ScheduledJob } from '../definitions.ts';
import { QUEUES, type QueueName } from '../jobs.port.ts';
import { jobOptions } from './job-options.ts';
import type { BullQueues, StoredQueue } from './queues.ts';
import type { StoredJob } from './stored-job.ts';

export interface BullSchedulerDeps {
  readonly connection: RedisConnection;
  readonly queues: BullQueues;
  readonly definitions: Definitions;
  readonly timeZone: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

const TEND_EVERY_MS = 30_000;
const LOCK_MS = 10_000;
/** Of each queue, each time. */
const MAX_HEALED = 100;

/**
 * The schedules as BullMQ's job schedulers. A worker that takes the job of a tick makes that of the next one; when
 * that goes wrong, or somebody removes the job that waits for its tick, the schedule would stand still for ever. So
 * they are looked after.
 */
export function createBullScheduler({
  connection,
  queues,
  definitions,
  timeZone,
  clock,
  logger,
}: BullSchedulerDeps): Component {
  let timer: NodeJS.Timeout | undefined;

  async function forgetOthers(): Promise<void> {
    for (const name of QUEUES) {
      const known = definitions.scheduled().filter(({ definition }) => definition.queue === name);
      const names = new Set(known.map(({ definition }) => definition.name));
      await queues.run(name, async (queue) => {
        for (const { key } of await queue.getJobSchedulers()) {
          if (![...names].some((name) => name === key)) await queue.removeJobScheduler(key);
        }
      });
    }
  }

  async function isAlive(queue: StoredQueue, { definition, expression, schedule }: ScheduledJob): Promise<boolean> {
    const found = await queue.getJobScheduler(definition.name);
    if (found?.pattern !== expression || found.tz !== timeZone) return false;
    if (!isDeepStrictEqual(found.template?.data, { data: definition.defaultData })) return false;
    const next = await queue.getJob(`repeat:${definition.name}:${found.next}`);
    if (next === undefined) return false;
    if (['completed', 'failed'].includes(await next.getState())) {
      // It ran while the clock was ahead, and stands in the way of the tick, which is still to come.
      if ((found.next ?? 0) > clock.now()) await next.remove();
      return false;
    }
    return (found.next ?? 0) <= (schedule.next(clock.now()) ?? 0) + CLOCKS_DIFFER_MS;
  }

  async function tend(scheduled: ScheduledJob): Promise<void> {
    const { definition, expression } = scheduled;
    const { name } = definition;
    await queues.run(definition.queue, async (queue) => {
      if (await isAlive(queue, scheduled)) return;
      await queue.upsertJobScheduler(
        name,
        { pattern: expression, tz: timeZone },
        { name, data: { data: definition.defaultData }, opts: jobOptions(definition) },
      );
    });
  }

  /** Jobs that a wrong clock put off into the future run now. */
  async function heal(name: QueueName): Promise<void> {
    const ahead = clock.now() + CLOCKS_DIFFER_MS;
    await queues.run(name, async (queue) => {
      // Those with the latest time first.
      const delayed = (await queue.getJobs(['delayed'], 0, MAX_HEALED - 1, false)) as StoredJob[];
      for (const job of delayed) {
        const since = job.attemptsMade > 0 ? (job.processedOn ?? job.timestamp) : job.timestamp;
        if (job.repeatJobKey === undefined && since > ahead) await job.promote();
      }
    });
  }

  /** One scheduler at a time: two that begin at once could make the same tick twice. */
  async function alone(work: () => Promise<void>): Promise<void> {
    const lock = connection.key('jobs-scheduler');
    const { client } = queues.link;
    const isOurs = await connection.runOn(queues.link, () => client.set(lock, '1', 'PX', LOCK_MS, 'NX'));
    if (isOurs === null) return;
    try {
      await work();
    } finally {
      await client.del(lock).catch(() => {});
    }
  }

  const tendAll = () =>
    alone(async () => {
      await forgetOthers();
      for (const scheduled of definitions.scheduled()) await tend(scheduled);
      for (const name of QUEUES) await heal(name);
    });

  return {
    name: 'job scheduler',
    async start() {
      await tendAll();
      timer = setInterval(() => {
        tendAll().catch((error) =>
          logger.warn({ err: error }, 'the schedules could not be looked after; trying again'),
        );
      }, TEND_EVERY_MS).unref();
    },
    async stop() {
      clearInterval(timer);
    },
  };
}
