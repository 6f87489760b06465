import { expect } from 'vitest';
import type { JobDefinition, JobObserver, JobRecord, Jobs } from './jobs.port.ts';

declare module './jobs.port.ts' {
  interface JobMap {
    'test.work': { readonly n: number };
    'test.other': { readonly n: number };
    'test.tick': { readonly from: string };
  }
}

export interface JobsProcessOptions {
  readonly concurrency?: number;
  readonly timeZone?: string;
  readonly observer?: JobObserver;
}

export interface JobsContractHarness {
  /** One more process on the same queues, not started. The first retry comes after 20 to 40 ms. */
  create(options?: JobsProcessOptions): Jobs;
  close(): Promise<void>;
}

export type Part = 'worker' | 'scheduler';

export interface World {
  /** Starts a process with these definitions and roles. Whoever does not stop it leaves that to the end of the test. */
  start(
    definitions: readonly JobDefinition[],
    parts?: readonly Part[],
    options?: JobsProcessOptions,
  ): Promise<{ readonly jobs: Jobs; stop(): Promise<void> }>;
}

export const WITHIN = { timeout: 10_000, interval: 10 } as const;
const signal = () => AbortSignal.timeout(10_000);

/** A test with queues of its own. */
export function withWorld(createHarness: () => Promise<JobsContractHarness>, work: (world: World) => Promise<void>) {
  return async () => {
    const harness = await createHarness();
    const stops: (() => Promise<void>)[] = [];
    try {
      await work({
        async start(definitions, parts = ['worker'], options = {}) {
          const jobs = harness.create(options);
          for (const each of definitions) jobs.define(each);
          const components = [jobs, ...parts.map((part) => jobs[part])];
          let isStopped = false;
          const stop = async () => {
            if (isStopped) return;
            isStopped = true;
            for (const component of components.toReversed()) await component.stop?.(signal());
          };
          stops.push(stop);
          for (const component of components) await component.start?.(signal());
          return { jobs, stop };
        },
      });
    } finally {
      for (const stop of stops.toReversed()) await stop();
      await harness.close();
    }
  };
}

export function definition(
  run: JobDefinition<'test.work'>['run'],
  more: Partial<JobDefinition<'test.work'>> = {},
): JobDefinition<'test.work'> {
  return { name: 'test.work', queue: 'default', description: 'Works.', run, ...more };
}

/** Does nothing, well. */
export const idle = definition(async () => undefined);

export async function until(jobs: Jobs, id: string, state: JobRecord['state']): Promise<JobRecord> {
  await expect.poll(async () => (await jobs.find('default', id))?.state, WITHIN).toBe(state);
  return (await jobs.find('default', id)) as JobRecord;
}
