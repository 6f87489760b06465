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
  /** 1 for the first try. A try that a dying worker cut off is not counted. */
  readonly attempt: number;
  /** The tick that a schedule made it for, epoch milliseconds; null for a job made on demand. */
  readonly scheduledFor: number | null;
  /** Aborted when the worker stops or the job is taken from it: give up soon, the job runs again elsewhere. */
  readonly signal: AbortSignal;
  /** Says how far it is, for people: per cent, or a small JSON-serialisable object. Best effort, cheap, never throws. */
  progress(value: number | object): void;
}

export interface JobDefinition<N extends JobName = JobName> {
  readonly name: N;
  readonly queue: QueueName;
  /** One sentence, for the dashboard and the API. */
  readonly description: string;
  /** Cron expression with five fields (a sixth in front: seconds), in TZ_NAME. Its data is `defaultData`. */
  readonly schedule?: string;
  /** The data of a scheduled run, and of `POST /system/jobs/{name}/run` without data. Absent: on demand only. */
  readonly defaultData?: JobMap[N];
  /** JSON Schema (TypeBox) of its data: people may give some when they run it by hand. Absent: it takes none. */
  readonly dataSchema?: object;
  /**
   * Only the program makes it, because its data says what people may not see, or may not say for others. It is not
   * listed, and nobody can run it by hand.
   */
  readonly isInternal?: true;
  /** Tries before it is kept as failed; the default of the adapter is 5. */
  readonly attempts?: number;
  /**
   * At least once, so idempotent. What it returns is kept with the job, for people: small and JSON-serialisable.
   * A thrown error is a failed try: repeated with exponential back-off and jitter, unless it is an AppError of the
   * kinds `invalid`, `not_found`, `forbidden` or `conflict`, which no repetition would mend. Whatever it throws after
   * `signal` was aborted is no failure: the job goes back to its queue.
   */
  run(data: JobMap[N], context: JobContext): Promise<object | undefined>;
}

export interface EnqueueOptions {
  /**
   * Makes it idempotent: while a job with this id is kept in the queue (waiting, running, done or failed), nothing
   * is added. 1 to 200 characters.
   */
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

/** `delayed`: waiting for its time, or for its next try. */
export const JOB_STATES = ['waiting', 'delayed', 'running', 'done', 'failed'] as const;
export type JobState = (typeof JOB_STATES)[number];

/** A job as it is kept. Instants are epoch milliseconds. */
export interface JobRecord {
  readonly id: string;
  readonly name: string;
  readonly queue: QueueName;
  readonly state: JobState;
  readonly data: unknown;
  /** Tries that have failed. */
  readonly failures: number;
  readonly attempts: number;
  readonly createdAt: number;
  /** Null: at once. */
  readonly dueAt: number | null;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  readonly scheduledFor: number | null;
  readonly progress: unknown;
  /** What it returned; null unless done. */
  readonly result: unknown;
  /** What the last try failed with: name, message and stack. */
  readonly error: string | null;
}

export type JobCounts = Readonly<Record<JobState, number>>;

export interface JobPage {
  readonly states: readonly JobState[];
  readonly offset: number;
  readonly limit: number;
}

/** Looking at jobs and steering them, for the dashboard and the API. Each throws AppError `unavailable`. */
export interface JobControl {
  /** All that were defined, in the order of their definition. */
  definitions(): readonly JobDefinition[];
  /** When a definition with a schedule runs next, epoch milliseconds; null without one. Computed, not asked. */
  nextTick(name: string): number | null;
  counts(): Promise<Readonly<Record<QueueName, JobCounts>>>;
  /** Newest first for `done` and `failed`, else in the order in which they will run. */
  list(queue: QueueName, page: JobPage): Promise<readonly JobRecord[]>;
  find(queue: QueueName, id: string): Promise<JobRecord | null>;
  /** Runs a failed job again, with all its tries. @returns false when there is no failed job of that id */
  retry(queue: QueueName, id: string): Promise<boolean>;
  /** Runs a delayed job now. @returns false when there is no delayed job of that id */
  promote(queue: QueueName, id: string): Promise<boolean>;
  /** Forgets a job. @returns false when there is none, or it is running */
  remove(queue: QueueName, id: string): Promise<boolean>;
}

/** What a worker tells the metrics. */
export interface JobObserver {
  finished(job: {
    readonly queue: QueueName;
    readonly name: string;
    /** `returned`: cut off by the worker's stop, back in the queue. */
    readonly outcome: 'done' | 'failed' | 'returned';
    readonly elapsedMs: number;
  }): void;
}

/**
 * The whole port. Declared before `start`; then any process enqueues, the role worker runs `worker`, the role
 * scheduler `scheduler`.
 *
 * - At least once: a job that was enqueued runs to its end, or is kept as failed. A worker that dies or hangs loses
 *   its lease, and another one runs the job. A job that ten workers died of is kept as failed.
 * - Kept: the last 5,000 done jobs of a queue for a day, the last 5,000 failed ones for 30 days.
 * - A tick of a schedule runs once, however many schedulers and workers there are. Ticks do not pile up: when several
 *   have passed before anybody began to run the first, the latest of them runs, once; so after a downtime, too. A
 *   schedule that is new or changed begins with its next tick.
 * - A schedule is in local time. Where the clock is put forward, what would run in the missing hour runs right after
 *   it; where it is put back, a fixed time runs once, and what runs every minute or hour goes on doing so.
 */
export interface Jobs extends JobQueue, JobControl, Component {
  /** Before `start`. A name is defined once. */
  define<N extends JobName>(definition: JobDefinition<N>): void;
  /** Runs jobs. Its stop aborts what runs; what has not ended after three seconds goes back to the queue. */
  readonly worker: Component;
  /** Makes the ticks. */
  readonly scheduler: Component;
  /** Whether jobs can be kept. @throws AppError `unavailable` */
  ping(): Promise<void>;
}
