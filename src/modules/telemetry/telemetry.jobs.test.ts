import { expect, test } from 'vitest';
import { createJobsHarness } from '#test/support/jobs.ts';
import { createTelemetryJobs } from './telemetry.jobs.ts';

const DAY = 86_400_000;

test('old telemetry goes every hour, in steps that can be stopped', async () => {
  const h = createJobsHarness();
  const steps: { before: number; limit: number }[] = [];
  let left = 4_500;
  const store = {
    async deleteOlderThan(before: number, limit: number) {
      steps.push({ before, limit });
      const removed = Math.min(left, limit);
      left -= removed;
      return removed;
    },
  };
  h.define(createTelemetryJobs(store, 30 * DAY, h.clock));
  await h.start();
  h.clock.advance(3_600_000);
  await h.runUntilIdle();
  const [job] = await h.all('apply_retention');
  expect(job).toMatchObject({ state: 'done', result: { removed: 4_500 }, progress: { removed: 2_000 } });
  expect(steps).toEqual(Array(3).fill({ before: h.clock.now() - 30 * DAY, limit: 2_000 }));
  await h.stop();
});

test('a stop ends it between two steps', async () => {
  const stop = new AbortController();
  let steps = 0;
  const store = {
    async deleteOlderThan(_: number, limit: number) {
      steps += 1;
      if (steps === 2) stop.abort(new Error('stop'));
      return limit;
    },
  };
  const [job] = createTelemetryJobs(store, DAY, { now: () => 0 });
  const context = { jobId: 'x', attempt: 1, scheduledFor: 0, signal: stop.signal, progress: () => {} };
  await expect(job?.run({} as never, context)).rejects.toThrow('stop');
  expect(steps).toBe(2);
});
