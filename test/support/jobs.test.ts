import { expect, test } from 'vitest';
import type { JobDefinition } from '#platform/jobs/jobs.port.ts';
import { createJobsHarness } from './jobs.ts';

declare module '#platform/jobs/jobs.port.ts' {
  interface JobMap {
    'harness.work': { readonly n: number };
  }
}

test('the harness runs what is due at its clock, failed tries and ticks too', async () => {
  const h = createJobsHarness();
  const seen: unknown[] = [];
  const work: JobDefinition<'harness.work'> = {
    ...{ name: 'harness.work', queue: 'default', description: 'Works.', schedule: '0 3 * * *', defaultData: { n: 0 } },
    async run({ n }, { attempt, scheduledFor }) {
      seen.push([n, attempt, scheduledFor]);
      if (n === 2 && attempt === 1) throw new Error('not yet');
      if (n > 0) await h.jobs.enqueue('harness.work', { n: n - 3 });
      return undefined;
    },
  };
  h.define([work]);
  await h.start();
  await h.jobs.enqueue('harness.work', { n: 3 });
  await h.jobs.enqueue('harness.work', { n: 2 });
  await h.jobs.enqueue('harness.work', { n: 1 }, { delayMs: 60_000 });
  await h.runUntilIdle();
  expect(seen).toEqual([
    [3, 1, null],
    [2, 1, null],
    [0, 1, null],
  ]);
  h.clock.advance(60_000);
  await h.runUntilIdle();
  expect(seen.slice(3).toSorted()).toEqual([
    [-1, 1, null],
    [-2, 1, null],
    [1, 1, null],
    [2, 2, null],
  ]);
  h.clock.advance(2 * 86_400_000);
  await h.runUntilIdle();
  expect(seen.slice(7)).toEqual([[0, 1, Date.UTC(2026, 10, 24, 3)]]);
  expect((await h.all('harness.work')).every(({ state }) => state === 'done')).toBe(true);
  await h.stop();
});
