import type { Component } from '#kernel/lifecycle.ts';

/** The queues of the contract. A worker takes from all of them; each has its own concurrency. */
export const QUEUES = ['default', 'analytics', 'notifications', 'devices'] as const;
export type QueueName = (typeof QUEUES)[number];

/**
 * Job name → its data, JSON-serialisable. The module that handles a job adds it by declaration merging in
 * `<x>.jobs.ts`: `declare module '#platform/jobs/jobs.port.ts' { interface JobMap { send_email: {...} } }`.
 * Whoever enqueues it needs no edge to that module.
 */
// biome-ignore lint/suspicious/noEmptyInterface: filled by declaration merging
export interface JobMap {}
export type JobName = keyof JobMap & string;

export interface JobContext {
  readonly jobId: string;
  /** 1 for the first try. */
  readonly attempt: number;
  /** The tick that a schedule made it for, epoch milliseconds; null for a job made on demand. */
  readonly scheduledFor: number | null;
  /** Aborted when the worker stops or the job is taken from it: give up soon, the job runs again elsewhere. */
  readonly signal: AbortSignal;
}

export interface JobDefinition<N extends JobName = JobName> {
  readonly name: N;
  readonly queue: QueueName;
  /** One sentence, for the dashboard and the API. */
  readonly description: string;
  /** Cron expression with five fields, in TZ_NAME. Its data is `scheduledData`. */
  readonly schedule?: string;
  /** The data of a scheduled run, and of `POST /system/jobs/{name}/run` without data. Absent: on demand only. */
  readonly defaultData?: JobMap[N];
  /** Tries before it is kept as failed; the default of the adapter is 5. */
  readonly attempts?: number;
  /**
   * At least once, so idempotent. What it returns is kept with the job, for people: small and JSON-serialisable.
   * A thrown error is a failed try: repeated with exponential back-off and jitter, unless it is an AppError of the
   * kinds `invalid`, `not_found`, `forbidden` or `conflict`, which no repetition would mend.
   */
  run(data: JobMap[N], context: JobContext): Promise<object | undefined>;
}

export interface EnqueueOptions {
  /** Makes it idempotent: while a job with this id is kept (waiting, running, done or failed), nothing is added. */
  readonly id?: string;
  /** Not before this many milliseconds from now. */
  readonly delayMs?: number;
}

/** What modules need: making jobs. Durable when the promise resolves. */
export interface JobQueue {
  /**
   * @returns the job's id
   * @throws AppError `unavailable`
   */
  enqueue<N extends JobName>(name: N, data: JobMap[N], options?: EnqueueOptions): Promise<string>;
}

/** The whole port: declared before `start`, then run by the roles worker and scheduler. */
export interface Jobs extends JobQueue, Component {
  /** Before `start`. A name is defined once. */
  define<N extends JobName>(definition: JobDefinition<N>): void;
}
