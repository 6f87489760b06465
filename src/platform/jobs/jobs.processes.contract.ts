import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '#test/support/folders.ts';
import type { JobCounts } from './jobs.port.ts';
import { createProcessJobs, type JobsProcess } from './jobs.process.fixture.ts';

/** Where the queues of one test are. `folder` is the test's own. */
export type JobsAddress = (folder: string) => Pick<JobsProcess, 'adapter' | 'address' | 'prefix'>;

interface Line {
  readonly what: string;
  readonly n: number;
  readonly pid: number;
}

const JOBS = 1_000;
const TICKS = 20;
const LEASE_MS = 1_500;
const PROGRAM = new URL('./jobs.process.fixture.ts', import.meta.url);
const WITHIN = { timeout: 60_000, interval: 20 } as const;

/** What holds of every `Jobs` when its processes are killed, and when there are many of them. */
export function jobProcessesContract(name: string, addressOf: JobsAddress): void {
  interface World {
    readonly lines: () => readonly Line[];
    readonly enqueue: (count: number) => Promise<void>;
    readonly counts: () => Promise<JobCounts>;
    readonly run: (part: JobsProcess['part']) => Promise<ChildProcess>;
  }

  const withWorld = (work: (world: World) => Promise<void>) => async () => {
    const folder = temporaryFolder();
    const log = join(folder.path, 'log');
    const options = { ...addressOf(folder.path), log, leaseMs: LEASE_MS };
    const { jobs, components } = await createProcessJobs(options);
    const children: ChildProcess[] = [];
    const signal = () => AbortSignal.timeout(10_000);
    for (const component of components) await component.start?.(signal());
    try {
      await work({
        lines: () =>
          (existsSync(log) ? readFileSync(log, 'utf8') : '')
            .split('\n')
            .slice(0, -1)
            .map((line) => line.split(' '))
            .map(([what = '', n, pid]) => ({ what, n: Number(n), pid: Number(pid) })),
        enqueue: async (count) => {
          await Promise.all(Array.from({ length: count }, (_, n) => jobs.enqueue('test.work', { n }, { id: `w${n}` })));
        },
        counts: async () => (await jobs.counts()).default,
        async run(part) {
          const child = spawn(process.execPath, [PROGRAM.pathname, JSON.stringify({ ...options, part })], {
            stdio: ['ignore', 'pipe', 'inherit'],
          });
          children.push(child);
          await once(child.stdout as NonNullable<typeof child.stdout>, 'data');
          return child;
        },
      });
      for (const child of children) {
        if (child.signalCode === null) child.kill('SIGTERM');
      }
      for (const child of children) {
        if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      }
      expect(
        children.map(({ exitCode, signalCode }) => exitCode ?? signalCode).filter((end) => end !== 'SIGKILL'),
      ).toEqual(children.filter(({ signalCode }) => signalCode !== 'SIGKILL').map(() => 0));
    } finally {
      for (const child of children) child.kill('SIGKILL');
      for (const component of components.toReversed()) await component.stop?.(signal());
      folder.remove();
    }
  };

  describe(`Jobs among processes: ${name}`, () => {
    test(
      `of ${JOBS} jobs none is lost and none hangs when workers are killed`,
      withWorld(async ({ lines, enqueue, counts, run }) => {
        await enqueue(JOBS);
        const [victim, second] = await Promise.all([run('worker'), run('worker'), run('worker')]);
        const ended = () => lines().filter(({ what }) => what === 'end').length;
        await expect.poll(ended, WITHIN).toBeGreaterThan(JOBS / 10);
        victim?.kill('SIGKILL');
        await expect.poll(ended, WITHIN).toBeGreaterThan(JOBS / 3);
        second?.kill('SIGKILL');
        await run('worker');
        const done = { waiting: 0, delayed: 0, running: 0, done: JOBS, failed: 0 };
        await expect.poll(counts, WITHIN).toEqual(done);

        const log = lines();
        const finished = new Set(log.filter(({ what }) => what === 'end').map(({ n }) => n));
        expect(finished.size).toBe(JOBS);
        // Those that the dead had begun, and not ended, were begun again by others.
        const begunBy = (pid: number | undefined) => log.filter((line) => line.what === 'begin' && line.pid === pid);
        const cutOff = [victim, second].flatMap((dead) => {
          const ends = new Set(log.filter(({ what, pid }) => what === 'end' && pid === dead?.pid).map(({ n }) => n));
          return begunBy(dead?.pid).filter(({ n }) => !ends.has(n));
        });
        expect(cutOff.length).toBeGreaterThan(0);
        for (const { n, pid } of cutOff) {
          expect(log.some((line) => line.what === 'end' && line.n === n && line.pid !== pid)).toBe(true);
        }
      }),
      120_000,
    );

    test(
      `with three workers and two schedulers, of which one dies, each of ${TICKS} ticks fires once`,
      withWorld(async ({ lines, run }) => {
        const [scheduler] = await Promise.all([
          run('scheduler'),
          run('scheduler'),
          ...Array.from({ length: 3 }, () => run('worker')),
        ]);
        const ticks = () => lines().flatMap(({ what, n }) => (what === 'tick' ? [n] : []));
        await expect.poll(() => ticks().length, WITHIN).toBeGreaterThanOrEqual(TICKS / 3);
        scheduler?.kill('SIGKILL');
        await expect.poll(() => ticks().length, WITHIN).toBeGreaterThanOrEqual(TICKS);
        const fired = ticks();
        expect(new Set(fired).size).toBe(fired.length);
        for (const tick of fired) expect(tick % 1_000).toBe(0);
        // On a machine that stood still for more than a second, ticks become one.
        const span = (Math.max(...fired) - Math.min(...fired)) / 1_000 + 1;
        expect(span - fired.length).toBeLessThanOrEqual(2);
      }),
      120_000,
    );
  });
}
