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
import type { JobFile } from './job-file.ts';

interface JobRow {
  readonly id: string;
  readonly name: string;
  readonly queue: QueueName;
  readonly state: Exclude<JobState, 'delayed'>;
  readonly data: string;
  readonly failures: number;
  readonly attempts: number;
  readonly created_at: number;
  readonly due_at: number;
  readonly started_at: number | null;
  readonly finished_at: number | null;
  readonly scheduled_for: number | null;
  readonly progress: string | null;
  readonly result: string | null;
  readonly error: string | null;
}

const STATE = `CASE WHEN state = 'waiting' AND due_at > ? THEN 'delayed' ELSE state END`;

/** The queues for people: what is there, and what may be done to it. */
export function createJobRecords(
  file: JobFile,
  clock: Clock,
  wake: () => void,
): Omit<JobControl, 'definitions' | 'nextTick'> {
  function changes(sql: string, ...values: readonly (string | number)[]): boolean {
    const changed = file.write('on disk', (database) => Number(database.prepare(sql).run(...values).changes)) > 0;
    if (changed) wake();
    return changed;
  }

  return {
    async counts() {
      const rows = file.read((database) =>
        database.prepare(`SELECT queue, ${STATE} AS shown, count(*) AS n FROM jobs GROUP BY 1, 2`).all(clock.now()),
      );
      const counts = Object.fromEntries(
        QUEUES.map((queue) => [queue, { waiting: 0, delayed: 0, running: 0, done: 0, failed: 0 }]),
      ) as Record<QueueName, Record<JobState, number>>;
      for (const row of rows) counts[row['queue'] as QueueName][row['shown'] as JobState] = row['n'] as number;
      return counts as Readonly<Record<QueueName, JobCounts>>;
    },
    async list(queue, { states, offset, limit }: JobPage) {
      const now = clock.now();
      const rows = file.read((database) =>
        database
          .prepare(
            `SELECT * FROM jobs WHERE queue = ? AND ${STATE} IN (SELECT value FROM json_each(?))
             ORDER BY finished_at DESC, due_at, seq LIMIT ? OFFSET ?`,
          )
          .all(queue, now, JSON.stringify(states), limit, offset),
      );
      return rows.map((row) => toRecord(row as unknown as JobRow, now));
    },
    async find(queue, id) {
      const row = file.read((database) =>
        database.prepare('SELECT * FROM jobs WHERE queue = ? AND id = ?').get(queue, id),
      );
      return row === undefined ? null : toRecord(row as unknown as JobRow, clock.now());
    },
    retry: async (queue, id) =>
      changes(
        `UPDATE jobs SET state = 'waiting', due_at = ?, failures = 0, losses = 0, finished_at = NULL
         WHERE queue = ? AND id = ? AND state = 'failed'`,
        ...[clock.now(), queue, id],
      ),
    promote: async (queue, id) =>
      changes(
        `UPDATE jobs SET due_at = ? WHERE queue = ? AND id = ? AND state = 'waiting' AND due_at > ?`,
        ...[clock.now(), queue, id, clock.now()],
      ),
    remove: async (queue, id) =>
      changes(`DELETE FROM jobs WHERE queue = ? AND id = ? AND state <> 'running'`, queue, id),
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
