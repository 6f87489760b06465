import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { systemClock } from '#kernel/clock.ts';
import { createId } from '#kernel/ids.ts';
import { silentLogger } from '#kernel/logger.ts';
import { createRedisConnection } from '#platform/redis/redis-connection.ts';
import { describeWithServer } from '#test/support/servers.ts';
import { jobsContract } from '../jobs.contract.ts';
import { definition, type JobsContractHarness, type JobsProcessOptions, until, WITHIN } from '../jobs.harness.ts';
import type { JobDefinition, Jobs } from '../jobs.port.ts';
import { jobSchedulesContract } from '../jobs.schedules.contract.ts';
import { createBullJobs } from './jobs.bullmq.ts';
import { decodeId, encodeId } from './stored-job.ts';

/** One process: the queues with a connection of their own. */
function createProcess(url: string, prefix: string, options: JobsProcessOptions = {}): Jobs {
  const connection = createRedisConnection({ url, logger: silentLogger, prefix });
  const { concurrency = 4, timeZone = 'UTC', ...more } = options;
  const jobs = createBullJobs({
    ...{ connection, clock: systemClock, logger: silentLogger, concurrency, timeZone, firstRetryMs: 40 },
    ...more,
  });
  return {
    ...jobs,
    async start(signal) {
      await connection.start?.(signal);
      await jobs.start?.(signal);
    },
    async stop(signal) {
      await jobs.stop?.(signal);
      await connection.stop?.(signal);
    },
  };
}

test('every id that is not one of a tick survives its encoding, and none is a number or has a colon', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 200 }), (id) => {
      const encoded = encodeId(id);
      expect(decodeId(encoded)).toBe(id);
      expect(encoded).not.toMatch(/^\d+$|:/);
    }),
  );
  for (const id of ['25', '%25', '%', '%3A', '3', '%3', 'a%25:']) expect(decodeId(encodeId(id)), id).toBe(id);
});

await describeWithServer('redis', (server) => {
  async function createHarness(): Promise<JobsContractHarness> {
    const prefix = `test:${createId()}:`;
    return { create: (options) => createProcess(server.url, prefix, options), close: async () => {} };
  }
  jobsContract('BullMQ', createHarness);
  jobSchedulesContract('BullMQ', createHarness);

  test('a clock that was a day ahead for a while puts off no schedule, and no job', async () => {
    const ticks: (number | null)[] = [];
    const done: string[] = [];
    const hourly: JobDefinition<'test.tick'> = {
      ...{ name: 'test.tick', queue: 'default', description: 'Ticks.', schedule: '0 * * * *' },
      defaultData: { from: 'schedule' },
      run: async (_, { scheduledFor }) => void ticks.push(scheduledFor),
    };
    const failsOnce = definition(async (_, { jobId, attempt }) => {
      if (attempt === 1) throw new Error('not yet');
      done.push(jobId);
    });
    const prefix = `test:${createId()}:`;
    async function during(work: (jobs: Jobs) => Promise<unknown>): Promise<void> {
      const jobs = createProcess(server.url, prefix);
      for (const each of [hourly, failsOnce]) jobs.define(each as never);
      for (const part of [jobs, jobs.worker, jobs.scheduler]) await part.start?.(AbortSignal.timeout(5_000));
      await work(jobs);
      for (const part of [jobs.scheduler, jobs.worker, jobs]) await part.stop?.(AbortSignal.timeout(5_000));
    }
    // BullMQ has it as a job, which is not listed.
    const nextTick = (jobs: Jobs) => jobs.find('default', `repeat:test.tick:${jobs.nextTick('test.tick')}`);

    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 86_400_000 });
    try {
      await during(async (jobs) => {
        await expect.poll(() => nextTick(jobs), WITHIN).toMatchObject({ state: 'delayed' });
        await jobs.enqueue('test.work', { n: 1 }, { id: 'put-off', delayMs: 60_000 });
      });
    } finally {
      vi.useRealTimers();
    }
    await during(async (jobs) => {
      expect(await nextTick(jobs)).toMatchObject({ state: 'delayed', scheduledFor: jobs.nextTick('test.tick') });
      await expect.poll(() => done, WITHIN).toEqual(['put-off']);
    });
    expect(ticks).toEqual([]);
  });
});

await describeWithServer(
  'redis',
  (server) => {
    test('while Redis is away jobs are refused at once; afterwards the worker goes on by itself', async () => {
      const seen: number[] = [];
      const jobs = createProcess(server.url, `test:${createId()}:`);
      jobs.define(definition(async ({ n }) => void seen.push(n)));
      await jobs.start?.(AbortSignal.timeout(5_000));
      await jobs.worker.start?.(AbortSignal.timeout(5_000));
      await until(jobs, await jobs.enqueue('test.work', { n: 1 }), 'done');
      await server.kill();
      const unavailable = { kind: 'unavailable' };
      await expect
        .poll(
          () =>
            jobs.counts().then(
              () => 'there',
              () => 'away',
            ),
          WITHIN,
        )
        .toBe('away');
      const before = performance.now();
      await expect(jobs.enqueue('test.work', { n: 2 })).rejects.toMatchObject(unavailable);
      await expect(jobs.counts()).rejects.toMatchObject(unavailable);
      await expect(jobs.list('default', { states: ['done'], offset: 0, limit: 1 })).rejects.toMatchObject(unavailable);
      expect(performance.now() - before).toBeLessThan(3_000);
      await server.restart();
      await expect.poll(() => jobs.enqueue('test.work', { n: 3 }).catch(() => null), WITHIN).not.toBeNull();
      await expect.poll(() => seen, WITHIN).toContain(3);
      await jobs.worker.stop?.(AbortSignal.timeout(5_000));
      await jobs.stop?.(AbortSignal.timeout(5_000));
    }, 30_000);
  },
  { own: true },
);
