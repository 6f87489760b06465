import { describe, expect, test } from 'vitest';
import { idle, type JobsContractHarness, type Part, until, WITHIN, withWorld } from './jobs.harness.ts';
import type { JobDefinition } from './jobs.port.ts';

/** What every `Jobs` makes of schedules. `createHarness` gives empty queues. */
export function jobSchedulesContract(name: string, createHarness: () => Promise<JobsContractHarness>): void {
  describe(`Jobs with schedules: ${name}`, () => {
    const ticks: { by: string; at: number | null; data: unknown }[] = [];
    const every = (schedule: string, by = 'one'): JobDefinition<'test.tick'> => ({
      ...{ name: 'test.tick', queue: 'default', description: 'Ticks.', schedule, defaultData: { from: 'schedule' } },
      run: async (data, { scheduledFor }) => void ticks.push({ by, at: scheduledFor, data }),
    });
    const times = () => ticks.map(({ at }) => at ?? 0);

    test(
      'each tick fires once, whoever makes and runs it',
      withWorld(createHarness, async ({ start }) => {
        ticks.length = 0;
        const all: Part[] = ['worker', 'scheduler'];
        const [first] = await Promise.all([
          start([every('* * * * * *', 'one')], all),
          start([every('* * * * * *', 'two')], all),
        ]);
        const next = first.jobs.nextTick('test.tick') ?? 0;
        expect(next % 1_000).toBe(0);
        await expect.poll(() => ticks.length, WITHIN).toBeGreaterThanOrEqual(3);
        expect(new Set(times()).size).toBe(ticks.length);
        for (const { at, data } of ticks) {
          expect((at ?? 1) % 1_000).toBe(0);
          expect(data).toEqual({ from: 'schedule' });
        }
      }),
    );

    test(
      'after a time without anybody the latest missed tick runs, once',
      withWorld(createHarness, async ({ start }) => {
        ticks.length = 0;
        const first = await start([every('* * * * * *')], ['worker', 'scheduler']);
        await expect.poll(() => ticks.length, WITHIN).toBeGreaterThanOrEqual(1);
        await first.stop();
        const last = Math.max(...times());
        ticks.length = 0;
        await expect.poll(() => Date.now(), WITHIN).toBeGreaterThanOrEqual(last + 3_500);
        const restarted = Date.now();
        await start([every('* * * * * *')], ['worker', 'scheduler']);
        await expect.poll(() => ticks.length, WITHIN).toBeGreaterThanOrEqual(2);
        const missed = times().filter((at) => at <= restarted);
        expect(missed).toHaveLength(1);
        expect(missed[0]).toBeGreaterThan(restarted - 1_000);
      }),
    );

    test(
      'ticks that nobody runs do not pile up',
      withWorld(createHarness, async ({ start }) => {
        ticks.length = 0;
        const { jobs } = await start([every('* * * * * *')], ['scheduler']);
        const begun = Date.now();
        await expect.poll(() => Date.now(), WITHIN).toBeGreaterThanOrEqual(begun + 4_200);
        const { waiting, delayed } = (await jobs.counts()).default;
        expect(waiting + delayed).toBe(1);
        const worked = Date.now();
        await start([every('* * * * * *')], ['worker']);
        await expect.poll(() => ticks.length, WITHIN).toBeGreaterThanOrEqual(2);
        const before = times().filter((at) => at <= worked);
        // Four were due. A scheduler that a busy machine holds up may make the last of them beside the worker.
        expect(before.length).toBeLessThanOrEqual(2);
        expect(before[0]).toBeGreaterThan(begun + 1_000);
      }),
    );

    test(
      'a tick that is still to come is no job',
      withWorld(createHarness, async ({ start }) => {
        const yearly = every('0 0 1 1 *');
        const { jobs } = await start([yearly], ['worker', 'scheduler']);
        const id = await jobs.enqueue('test.tick', { from: 'hand' }, { delayMs: 600_000 });
        const page = { states: ['delayed'], offset: 0, limit: 1 } as const;
        expect((await jobs.list('default', page)).map((record) => record.id)).toEqual([id]);
        expect((await jobs.counts()).default).toMatchObject({ waiting: 0, delayed: 1 });
        expect(await jobs.remove('default', id)).toBe(true);
        expect((await jobs.counts()).default).toMatchObject({ waiting: 0, delayed: 0 });
      }),
    );

    test(
      'a schedule that is new, changed or gone makes up for nothing',
      withWorld(createHarness, async ({ start }) => {
        ticks.length = 0;
        const yearly = await start([every('0 0 1 1 *')], ['worker', 'scheduler']);
        await yearly.stop();
        const changed = await start([every('0 12 1 7 *')], ['worker', 'scheduler']);
        await changed.stop();
        const { jobs } = await start([idle], ['worker', 'scheduler']);
        await until(jobs, await jobs.enqueue('test.work', { n: 1 }), 'done');
        expect(ticks).toEqual([]);
        expect(await jobs.list('default', { states: ['delayed'], offset: 0, limit: 100 })).toEqual([]);
      }),
    );
  });
}
