import { appendFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '#kernel/clock.ts';
import type { Component } from '#kernel/lifecycle.ts';
import { silentLogger } from '#kernel/logger.ts';
import type { JobDefinition, Jobs } from './jobs.port.ts';

/*
 * A process of its own with a worker or a scheduler: `node jobs.process.fixture.ts '<JobsProcess>'`. It writes a line
 * to the log for what it does, says `ready` when it runs, and ends in order on SIGTERM.
 */

export interface JobsProcess {
  readonly adapter: 'sqlite' | 'bullmq';
  /** The file, or the address of Redis. */
  readonly address: string;
  readonly prefix: string;
  readonly part: 'worker' | 'scheduler';
  readonly log: string;
  readonly leaseMs: number;
}

const JOB_MS = 40;
const CONCURRENCY = 8;

/** The jobs of these processes, and of the test that enqueues them. */
export function processJobs(log: string): readonly JobDefinition[] {
  const write = (...words: readonly (string | number)[]) => appendFileSync(log, `${words.join(' ')}\n`);
  const work: JobDefinition<'test.work'> = {
    ...{ name: 'test.work', queue: 'default', description: 'Takes a moment.' },
    async run({ n }) {
      write('begin', n, process.pid);
      await delay(JOB_MS);
      write('end', n, process.pid);
      return undefined;
    },
  };
  const tick: JobDefinition<'test.tick'> = {
    ...{ name: 'test.tick', queue: 'devices', description: 'Ticks.', schedule: '* * * * * *' },
    defaultData: { from: 'schedule' },
    async run(_, { scheduledFor }) {
      write('tick', scheduledFor ?? 0, process.pid);
      return undefined;
    },
  };
  return [work, tick];
}

/** The adapter, with what has to be started before it. */
export async function createProcessJobs(
  options: Omit<JobsProcess, 'part'>,
): Promise<{ readonly jobs: Jobs; readonly components: readonly Component[] }> {
  const { adapter, address, prefix, log, leaseMs } = options;
  const common = { timeZone: 'UTC', concurrency: CONCURRENCY, clock: systemClock, logger: silentLogger, leaseMs };
  let jobs: Jobs;
  const before: Component[] = [];
  if (adapter === 'sqlite') {
    const { createSqliteJobs } = await import('./sqlite/jobs.sqlite.ts');
    jobs = createSqliteJobs({ file: address, ...common });
  } else {
    const { createRedisConnection } = await import('#platform/redis/redis-connection.ts');
    const { createBullJobs } = await import('./bullmq/jobs.bullmq.ts');
    const connection = createRedisConnection({ url: address, prefix, logger: silentLogger });
    before.push(connection);
    jobs = createBullJobs({ connection, ...common });
  }
  for (const definition of processJobs(log)) jobs.define(definition);
  return { jobs, components: [...before, jobs] };
}

async function main(options: JobsProcess): Promise<void> {
  const { jobs, components } = await createProcessJobs(options);
  const parts = [...components, jobs[options.part]];
  for (const part of parts) await part.start?.(AbortSignal.timeout(30_000));
  process.once('SIGTERM', async () => {
    for (const part of parts.toReversed()) await part.stop?.(AbortSignal.timeout(8_000));
    process.exit(0);
  });
  // Held open by nothing else when it is a scheduler.
  setInterval(() => {}, 60_000);
  process.stdout.write('ready\n');
}

if (import.meta.main) await main(JSON.parse(process.argv[2] as string) as JobsProcess);
