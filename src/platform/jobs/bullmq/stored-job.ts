import type { JobState as BullState, Job } from 'bullmq';
import type { JobRecord, JobState, QueueName } from '../jobs.port.ts';

/** What is kept as the data of a job. */
export interface StoredData {
  readonly data: unknown;
  /** The tick, where it is another one than that in the job's id. */
  readonly scheduledFor?: number;
}

export type StoredJob = Job<StoredData, unknown, string>;

export const BULL_STATES: Readonly<Record<JobState, 'wait' | 'delayed' | 'active' | 'completed' | 'failed'>> = {
  waiting: 'wait',
  delayed: 'delayed',
  running: 'active',
  done: 'completed',
  failed: 'failed',
};

export function stateOf(state: BullState | 'unknown'): JobState | null {
  switch (state) {
    case 'active':
      return 'running';
    case 'completed':
      return 'done';
    case 'delayed':
    case 'failed':
      return state;
    case 'unknown':
      return null;
    default:
      return 'waiting';
  }
}

const TICK_ID = /^repeat:[^:]+:(\d+)$/;

/** BullMQ takes no colons and no numbers as ids. */
export function encodeId(id: string): string {
  if (TICK_ID.test(id)) return id;
  const encoded = id.replaceAll('%', '%25').replaceAll(':', '%3A');
  return /^\d+$/.test(encoded) ? `%n${encoded}` : encoded;
}

export function decodeId(id: string): string {
  if (id.startsWith('%n')) return id.slice(2);
  return id.replaceAll('%3A', ':').replaceAll('%25', '%');
}

/** The tick that a scheduler made the job for. */
export function tickOf(job: StoredJob): number | null {
  const tick = job.repeatJobKey === undefined ? undefined : TICK_ID.exec(job.id ?? '')?.[1];
  return job.data.scheduledFor ?? (tick === undefined ? null : Number(tick));
}

/** BullMQ keeps the next tick of a schedule as a job already, and does not let go of it: it is none of ours before it runs. */
export function isTickToCome(job: StoredJob, state: JobState): boolean {
  return state === 'delayed' && job.repeatJobKey !== undefined && job.attemptsMade === 0;
}

export function toRecord(job: StoredJob, queue: QueueName, state: JobState): JobRecord {
  const from = job.attemptsMade > 0 ? (job.processedOn ?? job.timestamp) : job.timestamp;
  const progress = job.progress as unknown;
  return {
    id: decodeId(job.id ?? ''),
    name: job.name,
    queue,
    state,
    data: job.data.data ?? null,
    // BullMQ counts the try that succeeded too.
    failures: state === 'done' ? job.attemptsMade - 1 : job.attemptsMade,
    attempts: job.opts.attempts ?? 1,
    createdAt: job.timestamp,
    dueAt: job.delay > 0 ? from + job.delay : null,
    startedAt: job.processedOn ?? null,
    finishedAt: job.finishedOn ?? null,
    scheduledFor: tickOf(job),
    progress: progress === 0 ? null : progress,
    result: state === 'done' ? (job.returnvalue ?? null) : null,
    error: state === 'done' ? null : (job.stacktrace?.at(-1) ?? job.failedReason ?? null),
  };
}
