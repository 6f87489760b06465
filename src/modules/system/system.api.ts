import type { Principal } from '#kernel/access.ts';
import type { QueueName } from '#platform/jobs/jobs.port.ts';
import type { KnownJob } from './jobs/jobs.ports.ts';
import type { JobChange } from './jobs/jobs.service.ts';

/** What other parts may ask of the system. */
export interface SystemApi {
  /** The value as JSON, secret or not; undefined when there is none. @throws AppError `config_key_away` */
  readConfig(key: string): Promise<unknown>;
  /**
   * Runs a background job as soon as a worker is free; without data with that of its schedule.
   * @throws AppError `job_not_found`, `invalid_input`, `unavailable`
   */
  runJob(
    principal: Principal,
    name: string,
    data: unknown,
  ): Promise<{ readonly id: string; readonly queue: QueueName }>;
  /** The jobs that a person may run, with the JSON Schema of what each takes. */
  offeredJobs(): readonly KnownJob[];
  /** Writes into the audit trail what somebody has done with jobs. */
  noteJobs(principal: Principal, changes: readonly JobChange[]): Promise<void>;
}
