import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { silentLogger } from '#kernel/logger.ts';
import { createTestClock } from '#test/support/clock.ts';
import { temporaryFolder } from '#test/support/folders.ts';
import { createJobsHarness } from '#test/support/jobs.ts';
import type { JobDefinition } from '../jobs.port.ts';
import { createSqliteJobs } from './jobs.sqlite.ts';

declare module '../jobs.port.ts' {
  interface JobMap {
    'clock.hourly': Record<string, never>;
    'clock.work': { readonly fails: boolean };
  }
}

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const DAY = 24 * HOUR;

const ran: (string | number | null)[] = [];
const hourly: JobDefinition<'clock.hourly'> = {
  ...{ name: 'clock.hourly', queue: 'default', description: 'Ticks.', schedule: '0 * * * *', defaultData: {} },
  run: async (_, { scheduledFor }) => void ran.push(scheduledFor),
};
const work: JobDefinition<'clock.work'> = {
  ...{ name: 'clock.work', queue: 'default', description: 'Works.' },
  async run({ fails }, { jobId, attempt }) {
    if (fails && attempt === 1) throw new Error('not yet');
    ran.push(jobId);
  },
};
const definitions = [hourly, work] as unknown as readonly JobDefinition[];
const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  ran.length = 0;
  for (const stop of stops.splice(0)) await stop();
});

test('a clock that was a day ahead for 20 seconds puts off no schedule, and no job', async () => {
  const h = createJobsHarness();
  h.define(definitions);
  await h.start();
  stops.push(h.stop);
  const start = h.clock.now();
  h.clock.advance(HOUR);
  await h.runUntilIdle();
  expect(ran).toEqual([start + HOUR]);

  h.clock.advance(60 * SECOND);
  h.clock.set(h.clock.now() + DAY);
  await h.runUntilIdle();
  await h.jobs.enqueue('clock.work', { fails: true }, { id: 'failing' });
  await h.jobs.enqueue('clock.work', { fails: false }, { id: 'delayed', delayMs: 60 * SECOND });
  await h.runUntilIdle();
  h.clock.advance(20 * SECOND);
  h.clock.set(h.clock.now() - DAY);

  await h.runUntilIdle();
  expect(ran).toEqual([start + HOUR, start + HOUR + DAY, 'failing']);
  h.clock.advance(60 * SECOND);
  await h.runUntilIdle();
  expect(ran.at(-1)).toBe('delayed');
  ran.length = 0;
  // Every hour from now on, also when it comes to the ticks that it has seen before.
  const hours = Array.from({ length: 48 }, (_, index) => start + (index + 2) * HOUR);
  for (const hour of hours) {
    h.clock.advance(hour - h.clock.now());
    await h.runUntilIdle();
  }
  expect(ran).toEqual(hours);
});

test('so does one that was right again only when the process had been started anew', async () => {
  const folder = temporaryFolder();
  stops.push(async () => folder.remove());
  const clock = createTestClock();
  const start = clock.now();
  const options = {
    ...{ file: join(folder.path, 'jobs.db'), timeZone: 'UTC', concurrency: 4, clock, logger: silentLogger },
  };
  async function run(work: (jobs: ReturnType<typeof createSqliteJobs>) => Promise<unknown>): Promise<void> {
    const jobs = createSqliteJobs(options);
    for (const definition of definitions) jobs.define(definition);
    for (const part of [jobs, jobs.worker, jobs.scheduler]) await part.start?.(AbortSignal.timeout(5_000));
    await work(jobs);
    for (const part of [jobs.scheduler, jobs.worker, jobs]) await part.stop?.(AbortSignal.timeout(5_000));
  }
  clock.set(start + DAY);
  await run(async (jobs) => {
    clock.advance(HOUR);
    jobs.wake();
    await expect.poll(() => ran).toEqual([start + DAY + HOUR]);
  });
  clock.set(start + 2 * HOUR - 1);
  await run(async (jobs) => {
    clock.advance(1);
    jobs.wake();
    await expect.poll(() => ran).toEqual([start + DAY + HOUR, start + 2 * HOUR]);
  });
});
