import type { QueueName } from '#platform/jobs/jobs.port.ts';

/** What other parts may ask of the system. */
export interface SystemApi {
  /** The value as JSON, secret or not; undefined when there is none. @throws AppError `config_key_away` */
  readConfig(key: string): Promise<unknown>;
  /**
   * Runs a background job as soon as a worker is free; without data with that of its schedule.
   * @throws AppError `job_not_found`, `invalid_input`, `unavailable`
   */
  runJob(name: string, data: unknown): Promise<{ readonly id: string; readonly queue: QueueName }>;
}
