import type { Clock } from '#kernel/clock.ts';
import {
  type JobControl,
  type JobCounts,
  type JobPage,
  type JobRecord,
  type JobState,
  QUEUES,
  type QueueName,
} from '../jobs.port.ts';
import type { Asynchronous } from './job-access.ts';
import type { JobRow, JobTable } from './job-table.ts';

/** The queues for people. */
export function createJobRecords(
  table: Asynchronous<JobTable>,
  clock: Clock,
  wake: () => void,
): Omit<JobControl, 'definitions' | 'nextTick'> {
  async function woken(change: Promise<boolean>): Promise<boolean> {
    const changed = await change;
    if (changed) wake();
    return changed;
  }

  return {
    async counts() {
      const counts = Object.fromEntries(
        QUEUES.map((queue) => [queue, { waiting: 0, delayed: 0, running: 0, done: 0, failed: 0 }]),
      ) as Record<QueueName, Record<JobState, number>>;
      for (const { queue, state, n } of await table.counts(clock.now())) counts[queue][state] = n;
      return counts as Readonly<Record<QueueName, JobCounts>>;
    },
    async list(queue, { states, offset, limit }: JobPage) {
      const now = clock.now();
      return (await table.list(queue, states, offset, limit, now)).map((row) => toRecord(row, now));
    },
    async find(queue, id) {
      const row = await table.find(queue, id);
      return row === null ? null : toRecord(row, clock.now());
    },
    retry: (queue, id) => woken(table.retry(queue, id, clock.now())),
    promote: (queue, id) => woken(table.promote(queue, id, clock.now())),
    remove: (queue, id) => woken(table.remove(queue, id)),
  };
}

function toRecord(row: JobRow, now: number): JobRecord {
  return {
    id: row.id,
    name: row.name,
    queue: row.queue,
    state: row.state === 'waiting' && row.due_at > now ? 'delayed' : row.state,
    data: JSON.parse(row.data),
    failures: row.failures,
    attempts: row.attempts,
    createdAt: row.created_at,
    dueAt: row.due_at > row.created_at ? row.due_at : null,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    scheduledFor: row.scheduled_for,
    progress: row.progress === null ? null : JSON.parse(row.progress),
    result: row.result === null ? null : JSON.parse(row.result),
    error: row.error,
  };
}
