import type { JobState, QueueName } from '../jobs.port.ts';
import type { JobFile } from './job-file.ts';

export interface JobRow {
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

export interface StateCount {
  readonly queue: QueueName;
  readonly state: JobState;
  readonly n: number;
}

/** The queues for people: what is there, and what may be done to it. `true`: it was done. */
export interface JobTable {
  counts(now: number): readonly StateCount[];
  list(queue: QueueName, states: readonly JobState[], offset: number, limit: number, now: number): readonly JobRow[];
  find(queue: QueueName, id: string): JobRow | null;
  retry(queue: QueueName, id: string, now: number): boolean;
  promote(queue: QueueName, id: string, now: number): boolean;
  remove(queue: QueueName, id: string): boolean;
}

const STATE = `CASE WHEN state = 'waiting' AND due_at > ? THEN 'delayed' ELSE state END`;

export function createJobTable(file: JobFile): JobTable {
  const change = (sql: string, ...values: readonly (string | number)[]) =>
    file.write('on disk', (database) => Number(database.prepare(sql).run(...values).changes)) > 0;

  return {
    counts: (now) =>
      file.read((database) =>
        database.prepare(`SELECT queue, ${STATE} AS state, count(*) AS n FROM jobs GROUP BY 1, 2`).all(now),
      ) as unknown as StateCount[],
    list: (queue, states, offset, limit, now) =>
      file.read((database) =>
        database
          .prepare(
            `SELECT * FROM jobs WHERE queue = ? AND ${STATE} IN (SELECT value FROM json_each(?))
             ORDER BY finished_at DESC, due_at, seq LIMIT ? OFFSET ?`,
          )
          .all(queue, now, JSON.stringify(states), limit, offset),
      ) as unknown as JobRow[],
    find: (queue, id) =>
      (file.read((database) => database.prepare('SELECT * FROM jobs WHERE queue = ? AND id = ?').get(queue, id)) ??
        null) as JobRow | null,
    retry: (queue, id, now) =>
      change(
        `UPDATE jobs SET state = 'waiting', due_at = ?, failures = 0, losses = 0, finished_at = NULL
         WHERE queue = ? AND id = ? AND state = 'failed'`,
        ...[now, queue, id],
      ),
    promote: (queue, id, now) =>
      change(
        `UPDATE jobs SET due_at = ? WHERE queue = ? AND id = ? AND state = 'waiting' AND due_at > ?`,
        ...[now, queue, id, now],
      ),
    remove: (queue, id) => change(`DELETE FROM jobs WHERE queue = ? AND id = ? AND state <> 'running'`, queue, id),
  };
}
