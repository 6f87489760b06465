import { silentLogger } from '#kernel/logger.ts';
import { type JobDefinition, type JobRecord, type Jobs, QUEUES } from '#platform/jobs/jobs.port.ts';
import { createSqliteJobs } from '#platform/jobs/sqlite/jobs.sqlite.ts';
import { createTestClock, type TestClock } from './clock.ts';

/** The real queue in memory, with a worker and a scheduler, on a clock that the test owns. */
export interface JobsHarness {
  /** To be handed to modules as their `JobQueue`. */
  readonly jobs: Jobs;
  readonly clock: TestClock;
  /** What the next calls of `enqueue` fail with; null: they do not. */
  fail(error: Error | null): void;
  /** Before `start`. */
  define(definitions: readonly JobDefinition[]): void;
  start(): Promise<void>;
  /**
   * Works through everything that is due at the clock's time, and what that makes due; resolves when nothing runs and
   * nothing is due. A failed try waits for its time: advance the clock and call it again.
   */
  runUntilIdle(): Promise<void>;
  /** Every job that is kept, of all queues or of one name. */
  all(name?: string): Promise<readonly JobRecord[]>;
  stop(): Promise<void>;
}

/** `const jobs = createJobsHarness(); jobs.define(module.jobs); await jobs.start(); …; await jobs.runUntilIdle();` */
export function createJobsHarness(clock: TestClock = createTestClock(), timeZone = 'UTC'): JobsHarness {
  const jobs = createSqliteJobs({ file: ':memory:', timeZone, concurrency: 4, clock, logger: silentLogger });
  let failure: Error | null = null;
  const offered: Jobs = {
    ...jobs,
    async enqueue(...given: Parameters<Jobs['enqueue']>) {
      if (failure !== null) throw failure;
      return await jobs.enqueue(...given);
    },
  };
  const signal = AbortSignal.timeout(600_000);
  const parts = [jobs, jobs.worker, jobs.scheduler];

  async function isIdle(): Promise<boolean> {
    const counts = Object.values(await jobs.counts());
    return counts.every(({ waiting, running }) => waiting === 0 && running === 0);
  }

  return {
    jobs: offered,
    clock,
    fail(error) {
      failure = error;
    },
    define(definitions) {
      for (const definition of definitions) jobs.define(definition);
    },
    async start() {
      for (const part of parts) await part.start?.(signal);
    },
    async runUntilIdle() {
      do {
        await jobs.wake();
        await new Promise((resolve) => setImmediate(resolve));
      } while (!(await isIdle()));
    },
    async all(name) {
      const states = ['waiting', 'delayed', 'running', 'done', 'failed'] as const;
      const lists = await Promise.all(QUEUES.map((queue) => jobs.list(queue, { states, offset: 0, limit: 10_000 })));
      return lists.flat().filter((job) => name === undefined || job.name === name);
    },
    async stop() {
      for (const part of parts.toReversed()) await part.stop?.(signal);
    },
  };
}
