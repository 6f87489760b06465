import { expect, test } from 'vitest';
import { systemClock } from '#kernel/clock.ts';
import { createJobsHarness } from '#test/support/jobs.ts';
import { createRetentionJobs } from './retention.jobs.ts';
import type { Retention } from './retention.port.ts';

const DAY = 86_400_000;

/** Of which so many are old. */
function records(name: string, days: number, old: number) {
  const steps: { before: number; limit: number }[] = [];
  let left = old;
  const retention: Retention = {
    ...{ name, keptMs: days * DAY },
    async removeOlderThan(before, limit) {
      steps.push({ before, limit });
      const removed = Math.min(left, limit);
      left -= removed;
      return removed;
    },
  };
  return { retention, steps };
}

test('what is old goes every hour, in steps, each kind by its own age', async () => {
  const h = createJobsHarness();
  const samples = records('telemetry', 30, 4_500);
  const alerts = records('alerts', 365, 1);
  h.define(createRetentionJobs([samples.retention, alerts.retention], h.clock));
  await h.start();
  h.clock.advance(3_600_000);
  await h.runUntilIdle();
  const [job] = await h.all('apply_retention');
  expect(job).toMatchObject({ state: 'done', result: { removed: { telemetry: 4_500, alerts: 1 } } });
  expect(samples.steps).toEqual(Array(3).fill({ before: h.clock.now() - 30 * DAY, limit: 2_000 }));
  expect(alerts.steps).toEqual([{ before: h.clock.now() - 365 * DAY, limit: 2_000 }]);
  await h.stop();
});

test('what cannot be removed now holds up nothing else, and the job is tried again', async () => {
  const h = createJobsHarness();
  const broken: Retention = {
    ...{ name: 'telemetry', keptMs: DAY },
    removeOlderThan: () => Promise.reject(new Error('the store is away')),
  };
  const alerts = records('alerts', 365, 1);
  h.define(createRetentionJobs([broken, alerts.retention], h.clock));
  await h.start();
  h.clock.advance(3_600_000);
  await h.runUntilIdle();
  const [job] = await h.all('apply_retention');
  expect(job).toMatchObject({ state: 'delayed', error: expect.stringContaining('the store is away') });
  expect(alerts.steps).toHaveLength(1);
  await h.stop();
});

test('a stop ends it between two steps', async () => {
  const stop = new AbortController();
  let steps = 0;
  const endless: Retention = {
    ...{ name: 'telemetry', keptMs: DAY },
    async removeOlderThan(_, limit) {
      steps += 1;
      if (steps === 2) stop.abort(new Error('stop'));
      return limit;
    },
  };
  const [job] = createRetentionJobs([endless, endless], { ...systemClock, now: () => 0 });
  const context = { jobId: 'x', attempt: 1, scheduledFor: 0, signal: stop.signal, progress: () => {} };
  await expect(job?.run({} as never, context)).rejects.toThrow('stop');
  expect(steps).toBe(2);
});
