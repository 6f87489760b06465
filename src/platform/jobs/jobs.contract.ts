import { describe, expect, test } from 'vitest';
import { commonErrors } from '#kernel/errors.ts';
import { definition, idle, type JobsContractHarness, until, WITHIN, withWorld } from './jobs.harness.ts';
import { JOB_STATES, type JobDefinition, type JobRecord } from './jobs.port.ts';

const EVERY = { offset: 0, limit: 100 } as const;

/** What every `Jobs` does. `createHarness` gives empty queues. */
export function jobsContract(name: string, createHarness: () => Promise<JobsContractHarness>): void {
  describe(`Jobs: ${name}`, () => {
    test(
      'runs a job with its data and keeps what it returned',
      withWorld(createHarness, async ({ start }) => {
        const seen: unknown[] = [];
        const observed: unknown[] = [];
        const { jobs } = await start(
          [
            definition(async (data, { jobId, attempt, scheduledFor, signal: { aborted } }) => {
              seen.push({ data, jobId, attempt, scheduledFor, aborted });
              return { doubled: data.n * 2 };
            }),
          ],
          ['worker'],
          { observer: { finished: ({ elapsedMs: _, ...rest }) => void observed.push(rest) } },
        );
        const before = Date.now();
        const id = await jobs.enqueue('test.work', { n: 21 });
        const job = await until(jobs, id, 'done');
        expect(seen).toEqual([{ data: { n: 21 }, jobId: id, attempt: 1, scheduledFor: null, aborted: false }]);
        expect(job).toMatchObject({
          ...{ id, name: 'test.work', queue: 'default', data: { n: 21 }, result: { doubled: 42 } },
          ...{ failures: 0, attempts: 5, error: null, scheduledFor: null },
        });
        for (const at of [job.createdAt, job.startedAt, job.finishedAt]) expect(at).toBeGreaterThanOrEqual(before);
        await expect.poll(() => observed).toEqual([{ queue: 'default', name: 'test.work', outcome: 'done' }]);
      }),
    );

    test(
      'a process that only enqueues runs nothing; what it enqueued outlives it',
      withWorld(createHarness, async ({ start }) => {
        const client = await start([idle], []);
        const ids = await Promise.all(Array.from({ length: 50 }, (_, n) => client.jobs.enqueue('test.work', { n })));
        expect(new Set(ids).size).toBe(50);
        expect((await client.jobs.counts()).default).toEqual({
          waiting: 50,
          delayed: 0,
          running: 0,
          done: 0,
          failed: 0,
        });
        await client.stop();
        const seen: number[] = [];
        const worker = await start([definition(async ({ n }) => void seen.push(n))], ['worker'], { concurrency: 1 });
        await expect.poll(async () => (await worker.jobs.counts()).default.done, WITHIN).toBe(50);
        expect(seen).toEqual(Array.from({ length: 50 }, (_, n) => n));
      }),
    );

    test(
      'a worker notices what another process enqueues',
      withWorld(createHarness, async ({ start }) => {
        const worker = await start([idle]);
        const client = await start([idle], []);
        await until(worker.jobs, await client.jobs.enqueue('test.work', { n: 1 }), 'done');
      }),
    );

    test(
      'an id is taken once, while its job is kept in whatever state',
      withWorld(createHarness, async ({ start }) => {
        const seen: number[] = [];
        const client = await start([idle], []);
        const ids = ['a:b/ü 1%', '7', 'x'.repeat(200)];
        for (const id of ids) {
          expect(await client.jobs.enqueue('test.work', { n: 1 }, { id })).toBe(id);
          expect(await client.jobs.enqueue('test.work', { n: 2 }, { id })).toBe(id);
        }
        const { jobs } = await start([definition(async ({ n }) => void seen.push(n))]);
        for (const id of ids) expect((await until(jobs, id, 'done')).id).toBe(id);
        await jobs.enqueue('test.work', { n: 3 }, { id: ids[0] as string });
        await until(jobs, await jobs.enqueue('test.work', { n: 4 }), 'done');
        expect(seen.toSorted()).toEqual([1, 1, 1, 4]);
        await expect(jobs.enqueue('test.work', { n: 1 }, { id: '' })).rejects.toThrow('1 to 200');
        await expect(jobs.enqueue('test.work', { n: 1 }, { id: 'x'.repeat(201) })).rejects.toThrow('1 to 200');
      }),
    );

    test(
      'a delayed job runs not before its time; it can be run at once',
      withWorld(createHarness, async ({ start }) => {
        const ranAt: Record<string, number> = {};
        const { jobs } = await start([
          definition(async (_, { jobId }) => {
            ranAt[jobId] = Date.now();
            return undefined;
          }),
        ]);
        const before = Date.now();
        const soon = await jobs.enqueue('test.work', { n: 1 }, { delayMs: 300 });
        const late = await jobs.enqueue('test.work', { n: 2 }, { delayMs: 3_600_000 });
        expect(await jobs.find('default', late)).toMatchObject({ state: 'delayed', startedAt: null });
        await until(jobs, soon, 'done');
        expect(ranAt[soon]).toBeGreaterThanOrEqual(before + 300);
        expect((await jobs.counts()).default).toMatchObject({ delayed: 1, done: 1 });
        expect(await jobs.promote('default', late)).toBe(true);
        await until(jobs, late, 'done');
        expect(await jobs.promote('default', late)).toBe(false);
        expect(await jobs.promote('default', 'unknown')).toBe(false);
      }),
    );

    test(
      'a failed try is repeated with growing pauses, then kept, then repeated by hand',
      withWorld(createHarness, async ({ start }) => {
        const tries: { attempt: number; at: number }[] = [];
        let isMended = false;
        const { jobs } = await start([
          definition(
            async (_, { attempt }) => {
              tries.push({ attempt, at: Date.now() });
              if (!isMended) throw new Error(`broken ${attempt}`);
              return { fine: true };
            },
            { attempts: 4 },
          ),
        ]);
        const id = await jobs.enqueue('test.work', { n: 1 });
        const failed = await until(jobs, id, 'failed');
        expect(tries.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4]);
        expect(failed).toMatchObject({ failures: 4, attempts: 4, result: null });
        expect(failed.error).toContain('broken 4');
        expect(failed.finishedAt).not.toBeNull();
        // The harness begins at 40 ms: at least 20, 80, 320 with the jitter at its least.
        const pauses = tries.slice(1).map(({ at }, index) => at - (tries[index]?.at ?? 0));
        for (const [index, least] of [20, 80, 320].entries()) expect(pauses[index]).toBeGreaterThanOrEqual(least - 2);

        isMended = true;
        expect(await jobs.retry('default', id)).toBe(true);
        const done = await until(jobs, id, 'done');
        expect(done).toMatchObject({ result: { fine: true }, error: null });
        expect(tries.at(-1)?.attempt).toBe(1);
        expect(await jobs.retry('default', id)).toBe(false);
        expect(await jobs.retry('default', 'unknown')).toBe(false);
      }),
    );

    test(
      'an error that no repetition would mend fails at once; one of a part that is away does not',
      withWorld(createHarness, async ({ start }) => {
        const tries: number[] = [];
        const errors = [
          commonErrors.invalid_input(),
          commonErrors.not_found(),
          commonErrors.forbidden(),
          commonErrors.unavailable(),
        ];
        const { jobs } = await start([
          definition(
            async ({ n }) => {
              tries.push(n);
              throw errors[n];
            },
            { attempts: 2 },
          ),
        ]);
        const ids = await Promise.all(errors.map((_, n) => jobs.enqueue('test.work', { n })));
        for (const id of ids) await until(jobs, id, 'failed');
        expect(tries.toSorted()).toEqual([0, 1, 2, 3, 3]);
      }),
    );

    test(
      'a queue runs as many at once as it may, and queues do not wait for each other',
      withWorld(createHarness, async ({ start }) => {
        let now = 0;
        let most = 0;
        const gate = Promise.withResolvers<void>();
        const other: JobDefinition<'test.other'> = {
          ...{ name: 'test.other', queue: 'devices', description: 'Another.' },
          run: async () => undefined,
        };
        const { jobs } = await start(
          [
            definition(async () => {
              now += 1;
              most = Math.max(most, now);
              await gate.promise;
              now -= 1;
              return undefined;
            }),
            other,
          ],
          ['worker'],
          { concurrency: 3 },
        );
        for (let n = 0; n < 10; n += 1) await jobs.enqueue('test.work', { n });
        const id = await jobs.enqueue('test.other', { n: 1 });
        await expect.poll(async () => (await jobs.find('devices', id))?.state, WITHIN).toBe('done');
        expect((await jobs.counts()).default).toMatchObject({ running: 3, waiting: 7 });
        gate.resolve();
        await expect.poll(async () => (await jobs.counts()).default.done, WITHIN).toBe(10);
        expect(most).toBe(3);
      }),
    );

    test(
      'a stop tells running jobs to give up; they go back to the queue and cost no try',
      withWorld(createHarness, async ({ start }) => {
        const begun = Promise.withResolvers<void>();
        const outcomes: string[] = [];
        const first = await start(
          [
            definition(async (_, context) => {
              begun.resolve();
              await new Promise((_resolve, reject) => {
                context.signal.addEventListener('abort', () => reject(context.signal.reason));
              });
              return undefined;
            }),
          ],
          ['worker'],
          { observer: { finished: ({ outcome }) => void outcomes.push(outcome) } },
        );
        const id = await first.jobs.enqueue('test.work', { n: 1 });
        await begun.promise;
        await first.stop();
        expect(outcomes).toEqual(['returned']);
        const attempts: number[] = [];
        const second = await start([definition(async (_, { attempt }) => void attempts.push(attempt))]);
        await until(second.jobs, id, 'done');
        expect(attempts).toEqual([1]);
      }),
    );

    test(
      'what does not give up in time is taken from it and runs elsewhere',
      withWorld(createHarness, async ({ start }) => {
        const begun = Promise.withResolvers<void>();
        const end = Promise.withResolvers<undefined>();
        const first = await start([
          definition(async () => {
            begun.resolve();
            return await end.promise;
          }),
        ]);
        const id = await first.jobs.enqueue('test.work', { n: 1 });
        await begun.promise;
        await first.stop();
        const second = await start([definition(async () => ({ by: 'second' }))]);
        expect(await until(second.jobs, id, 'done')).toMatchObject({ result: { by: 'second' } });
        end.resolve(undefined);
        expect(await second.jobs.find('default', id)).toMatchObject({ result: { by: 'second' } });
      }),
    );

    test(
      'says how far a job is',
      withWorld(createHarness, async ({ start }) => {
        const end = Promise.withResolvers<undefined>();
        const { jobs } = await start([
          definition(async (_, { progress }) => {
            progress({ removed: 10 });
            return await end.promise;
          }),
        ]);
        const id = await jobs.enqueue('test.work', { n: 1 });
        await expect.poll(async () => (await jobs.find('default', id))?.progress, WITHIN).toEqual({ removed: 10 });
        end.resolve(undefined);
        await until(jobs, id, 'done');
      }),
    );

    test(
      'lists jobs by state and page, finds and forgets them; a running one stays',
      withWorld(createHarness, async ({ start }) => {
        const gate = Promise.withResolvers<undefined>();
        const { jobs } = await start(
          [
            definition(
              async ({ n }) => {
                if (n === 0) throw new Error('broken');
                return n === 1 ? { n } : await gate.promise;
              },
              { attempts: 1 },
            ),
          ],
          ['worker'],
          { concurrency: 1 },
        );
        const ids: string[] = [];
        for (let n = 0; n < 5; n += 1) ids.push(await jobs.enqueue('test.work', { n }));
        await until(jobs, ids[2] as string, 'running');
        ids.push(await jobs.enqueue('test.work', { n: 5 }, { delayMs: 3_600_000 }));
        const idsOf = async (...states: JobRecord['state'][]) =>
          (await jobs.list('default', { states, ...EVERY })).map(({ id }) => id);
        expect(await idsOf('failed')).toEqual([ids[0]]);
        expect(await idsOf('done')).toEqual([ids[1]]);
        expect(await idsOf('running')).toEqual([ids[2]]);
        expect(await idsOf('waiting')).toEqual([ids[3], ids[4]]);
        expect(await idsOf('delayed')).toEqual([ids[5]]);
        expect((await idsOf(...JOB_STATES)).toSorted()).toEqual(ids.toSorted());
        const second = await jobs.list('default', { states: ['waiting'], offset: 1, limit: 1 });
        expect(second.map(({ id }) => id)).toEqual([ids[4]]);
        expect(await jobs.list('analytics', { states: JOB_STATES, ...EVERY })).toEqual([]);
        expect(await jobs.find('analytics', ids[0] as string)).toBeNull();

        expect(await jobs.remove('default', ids[2] as string)).toBe(false);
        for (const index of [0, 1, 3, 5]) expect(await jobs.remove('default', ids[index] as string)).toBe(true);
        expect(await jobs.remove('default', ids[0] as string)).toBe(false);
        expect(await jobs.find('default', ids[0] as string)).toBeNull();
        gate.resolve(undefined);
        await until(jobs, ids[4] as string, 'done');
        expect((await jobs.counts()).default).toEqual({ waiting: 0, delayed: 0, running: 0, done: 2, failed: 0 });
      }),
    );

    test(
      'a job that this program does not know is kept as failed, and says so',
      withWorld(createHarness, async ({ start }) => {
        const other: JobDefinition<'test.other'> = {
          ...{ name: 'test.other', queue: 'default', description: 'Another.', attempts: 1 },
          run: async () => undefined,
        };
        const newer = await start([other], []);
        const id = await newer.jobs.enqueue('test.other', { n: 1 });
        const older = await start([idle]);
        expect((await until(older.jobs, id, 'failed')).error).toContain('test.other');
      }),
    );

    test(
      'names are defined once, and only what is defined can be enqueued',
      withWorld(createHarness, async ({ start }) => {
        const { jobs } = await start([idle], []);
        expect(jobs.definitions().map((each) => each.name)).toEqual(['test.work']);
        expect(jobs.nextTick('test.work')).toBeNull();
        expect(() => jobs.define(idle)).toThrow('twice');
        await expect(jobs.enqueue('test.other', { n: 1 })).rejects.toThrow('test.other');
        const tick = { ...idle, name: 'test.tick', schedule: '* * * * *' } as unknown as JobDefinition<'test.tick'>;
        expect(() => jobs.define(tick)).toThrow('defaultData');
        const bad = { ...tick, schedule: 'whenever', defaultData: { from: 'x' } } as JobDefinition<'test.tick'>;
        expect(() => jobs.define(bad)).toThrow();
      }),
    );
  });
}
