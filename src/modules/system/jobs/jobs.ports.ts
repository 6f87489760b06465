import type { JobDefinition } from '#platform/jobs/jobs.port.ts';

export interface KnownJob {
  readonly definition: JobDefinition;
  readonly dataSchema: object;
  /** Epoch milliseconds. */
  readonly nextRunAt: number | null;
}
