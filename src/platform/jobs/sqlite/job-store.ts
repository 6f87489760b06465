import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { CLOCKS_DIFFER_MS } from '#kernel/clock.ts';
import { KEEP, MAX_LOSSES, MAX_RETRY_MS } from '../attempt.ts';
import { QUEUES, type QueueName } from '../jobs.port.ts';
import type { JobFile } from './job-file.ts';

export interface NewJob {
  readonly id: string;
  readonly name: string;
  readonly queue: QueueName;
  /** JSON. */
  readonly data: string;
  readonly attempts: number;
  readonly dueAt: number;
  readonly scheduledFor: number | null;
}

/** A job that this process holds until it says how it ended, or its lease is over. */
export interface ClaimedJob {
  readonly seq: number;
  /** Goes up with every claim: whoever held it before can say nothing any more. */
  readonly claims: number;
  readonly id: string;
  readonly name: string;
  readonly queue: QueueName;
  readonly data: string;
  readonly attempts: number;
  readonly failures: number;
  readonly scheduledFor: number | null;
}

export interface Taker {
  readonly owner: string;
  /** `seq` of what it runs. */
  readonly held: readonly number[];
  /** How many jobs of each queue it has room for. */
  readonly room: Readonly<Record<QueueName, number>>;
}

export interface Taken {
  /** In the order in which they were due, queue by queue. */
  readonly jobs: readonly ClaimedJob[];
  /** When there may be something to take again, as far as it is known now; null: nothing waits that there is room for. */
  readonly next: number | null;
}

/** What workers and schedulers do with the file. Each change is one transaction. */
export interface JobStore {
  add(jobs: readonly NewJob[], now: number): void;
  /** Takes what is due as far as there is room, and gives back what was held by others beyond its lease. */
  take(taker: Taker, now: number, leaseUntil: number): Taken;
  /** Prolongs what the owner still holds of these. @returns the `seq` of those */
  prolong(owner: string, held: readonly number[], leaseUntil: number): ReadonlySet<number>;
  progress(job: ClaimedJob, progress: string): void;
  /** Each returns false, and changes nothing, when the job is not held under this claim any more. */
  done(job: ClaimedJob, result: string | null, now: number): boolean;
  failed(job: ClaimedJob, error: string, now: number): boolean;
  repeatAt(job: ClaimedJob, error: string, dueAt: number): boolean;
  giveBack(job: ClaimedJob): boolean;
  /**
   * Mends what was stored while the clock was ahead: what it put off into the future is due as long from now as it was
   * from then, and schedules go on from now.
   * @param leaseMs how long a lease is
   */
  heal(now: number, leaseMs: number): void;
  /** Forgets finished jobs that are too old or too many. */
  prune(now: number): void;
  /** Knows these schedules and no others from now on: a new or changed one begins now. */
  keepSchedules(schedules: readonly { readonly name: string; readonly expression: string }[], now: number): void;
  /** Schedule → its last tick, of those that are known. */
  lastTicks(): Readonly<Record<string, number>>;
  /**
   * Makes the job of a tick, unless it, or a later one, was made before. The job of an earlier tick that nobody has
   * begun yet becomes that of this one.
   */
  tick(job: NewJob & { readonly scheduledFor: number }, now: number): void;
}

const CLAIM = `
UPDATE jobs SET state = 'running', owner = ?, lease_until = ?, started_at = ?, claims = claims + 1, progress = NULL
WHERE seq IN (
  SELECT seq FROM jobs WHERE queue = ? AND state = 'waiting' AND due_at <= ? ORDER BY due_at, seq LIMIT ?)
RETURNING seq, claims, id, name, queue, data, attempts, failures, scheduled_for AS scheduledFor, due_at AS dueAt`;

const HELD = `WHERE seq = ? AND claims = ? AND state = 'running'`;
const LET_GO = 'owner = NULL, lease_until = NULL';

export function createJobStore(file: JobFile): JobStore {
  const change = (database: DatabaseSync, sql: string, ...values: readonly SQLInputValue[]) =>
    Number(database.prepare(sql).run(...values).changes);
  /** One statement that may be lost with the power: the job then runs again. */
  const settle = (sql: string, ...values: readonly SQLInputValue[]) =>
    file.write('soon', (database) => change(database, sql, ...values)) > 0;

  function insert(database: DatabaseSync, job: NewJob, now: number): void {
    change(
      database,
      `INSERT OR IGNORE INTO jobs (queue, id, name, data, state, due_at, attempts, scheduled_for, created_at)
       VALUES (?, ?, ?, ?, 'waiting', ?, ?, ?, ?)`,
      ...[job.queue, job.id, job.name, job.data, job.dueAt, job.attempts, job.scheduledFor, now],
    );
  }

  function earliest(sql: string, ...values: readonly SQLInputValue[]): number | null {
    return file.read((database) => (database.prepare(sql).get(...values) as { readonly at: number | null }).at);
  }

  const isPast = (at: number | null, now: number) => at !== null && at <= now;
  /** The earliest instant at which something of the queue is or was due; null: nothing waits. */
  const nextDue = (queue: QueueName) =>
    earliest(`SELECT min(due_at) AS at FROM jobs WHERE queue = ? AND state = 'waiting'`, queue);
  /** When the first lease ends of what this taker does not run; null: none is held. */
  const nextLeaseEnd = (held: string) =>
    earliest(
      `SELECT min(lease_until) AS at FROM jobs
       WHERE lease_until IS NOT NULL AND seq NOT IN (SELECT value FROM json_each(?))`,
      held,
    );

  function claim(database: DatabaseSync, queue: QueueName, owner: string, limit: number, now: number, until: number) {
    const rows = database.prepare(CLAIM).all(owner, until, now, queue, now, limit) as unknown as (ClaimedJob & {
      readonly dueAt: number;
    })[];
    return rows.sort((a, b) => a.dueAt - b.dueAt || a.seq - b.seq);
  }

  function reclaim(database: DatabaseSync, held: string, now: number): void {
    const overdue = `state = 'running' AND lease_until <= ? AND seq NOT IN (SELECT value FROM json_each(?))`;
    change(
      database,
      `UPDATE jobs SET state = 'failed', finished_at = ?, losses = losses + 1, ${LET_GO}, error = ?
       WHERE ${overdue} AND losses + 1 >= ${MAX_LOSSES}`,
      ...[now, `${MAX_LOSSES} workers died, or hung, while they ran this job.`, now, held],
    );
    change(
      database,
      `UPDATE jobs SET state = 'waiting', losses = losses + 1, ${LET_GO} WHERE ${overdue}`,
      ...[now, held],
    );
  }

  return {
    add: (jobs, now) =>
      file.write('on disk', (database) => {
        for (const job of jobs) insert(database, job, now);
      }),
    take({ owner, held, room }, now, leaseUntil) {
      const ours = JSON.stringify(held);
      const isOverdue = isPast(nextLeaseEnd(ours), now);
      const jobs: ClaimedJob[] = [];
      const isDue = QUEUES.some((queue) => room[queue] > 0 && isPast(nextDue(queue), now));
      if (isOverdue || isDue) {
        // In one transaction: what was taken by half would be held by nobody.
        file.write('soon', (database) => {
          if (isOverdue) reclaim(database, ours, now);
          for (const queue of QUEUES) {
            if (room[queue] > 0) jobs.push(...claim(database, queue, owner, room[queue], now, leaseUntil));
          }
        });
      }
      const open = QUEUES.filter((each) => jobs.filter(({ queue }) => queue === each).length < room[each]);
      const all = JSON.stringify([...held, ...jobs.map(({ seq }) => seq)]);
      const times = [nextLeaseEnd(all), ...open.map(nextDue)].filter((at) => at !== null);
      return { jobs, next: times.length === 0 ? null : Math.min(...times) };
    },
    prolong(owner, held, leaseUntil) {
      const rows = file.write('soon', (database) =>
        database
          .prepare(
            `UPDATE jobs SET lease_until = ? WHERE owner = ? AND state = 'running'
             AND seq IN (SELECT value FROM json_each(?)) RETURNING seq`,
          )
          .all(leaseUntil, owner, JSON.stringify(held)),
      );
      return new Set(rows.map((row) => row['seq'] as number));
    },
    progress: ({ seq, claims }, progress) => {
      settle(`UPDATE jobs SET progress = ? ${HELD}`, progress, seq, claims);
    },
    done: ({ seq, claims }, result, now) =>
      settle(
        `UPDATE jobs SET state = 'done', finished_at = ?, result = ?, error = NULL, ${LET_GO} ${HELD}`,
        ...[now, result, seq, claims],
      ),
    failed: ({ seq, claims }, error, now) =>
      settle(
        `UPDATE jobs SET state = 'failed', finished_at = ?, failures = failures + 1, error = ?, ${LET_GO} ${HELD}`,
        ...[now, error, seq, claims],
      ),
    repeatAt: ({ seq, claims }, error, dueAt) =>
      settle(
        `UPDATE jobs SET state = 'waiting', due_at = ?, failures = failures + 1, error = ?, ${LET_GO} ${HELD}`,
        ...[dueAt, error, seq, claims],
      ),
    giveBack: ({ seq, claims }) => settle(`UPDATE jobs SET state = 'waiting', ${LET_GO} ${HELD}`, seq, claims),
    prune(now) {
      file.write('soon', (database) => {
        for (const queue of QUEUES) {
          for (const state of ['done', 'failed'] as const) {
            change(
              database,
              `DELETE FROM jobs WHERE queue = ? AND state = ? AND finished_at < max(?, coalesce((
                 SELECT finished_at FROM jobs WHERE queue = ? AND state = ?
                 ORDER BY finished_at DESC LIMIT 1 OFFSET ${KEEP[state].count - 1}), 0))`,
              ...[queue, state, now - KEEP[state].ms, queue, state],
            );
          }
        }
      });
    },
    heal(now, leaseMs) {
      const ahead = now + CLOCKS_DIFFER_MS;
      const isWaiting = `state = 'waiting'`;
      file.write('on disk', (database) => {
        change(database, 'UPDATE schedules SET last_tick = ? WHERE last_tick > ?', now, ahead);
        change(database, `DELETE FROM jobs WHERE ${isWaiting} AND claims = 0 AND scheduled_for > ?`, ahead);
        // The tick is still to come, and its job will want this id.
        change(
          database,
          `UPDATE jobs SET id = id || '~' || seq, scheduled_for = ? WHERE scheduled_for > ?`,
          now,
          ahead,
        );
        change(
          database,
          `UPDATE jobs SET due_at = ? + max(0, due_at - created_at) WHERE ${isWaiting} AND failures = 0 AND created_at > ?`,
          ...[now, ahead],
        );
        change(
          database,
          `UPDATE jobs SET due_at = ? WHERE ${isWaiting} AND failures > 0 AND due_at > ?`,
          ...[now, ahead + MAX_RETRY_MS],
        );
        change(database, 'UPDATE jobs SET created_at = ? WHERE created_at > ?', now, ahead);
        change(database, 'UPDATE jobs SET finished_at = ? WHERE finished_at > ?', now, ahead);
        change(database, 'UPDATE jobs SET lease_until = ? WHERE lease_until > ?', ...[now + leaseMs, ahead + leaseMs]);
      });
    },
    keepSchedules(schedules, now) {
      file.write('on disk', (database) => {
        const names = JSON.stringify(schedules.map(({ name }) => name));
        change(database, 'DELETE FROM schedules WHERE name NOT IN (SELECT value FROM json_each(?))', names);
        for (const { name, expression } of schedules) {
          change(
            database,
            `INSERT INTO schedules (name, expression, last_tick) VALUES (?, ?, ?) ON CONFLICT (name)
             DO UPDATE SET expression = excluded.expression, last_tick = excluded.last_tick
             WHERE expression <> excluded.expression`,
            ...[name, expression, now],
          );
        }
      });
    },
    lastTicks: () =>
      file.read((database) =>
        Object.fromEntries(
          database
            .prepare('SELECT name, last_tick FROM schedules')
            .all()
            .map((row) => [row['name'] as string, row['last_tick'] as number]),
        ),
      ),
    tick(job, now) {
      file.write('on disk', (database) => {
        const sql = 'UPDATE schedules SET last_tick = ? WHERE name = ? AND last_tick < ?';
        if (change(database, sql, job.scheduledFor, job.name, job.scheduledFor) === 0) return;
        const waiting = `queue = ? AND name = ? AND state = 'waiting' AND claims = 0 AND scheduled_for IS NOT NULL`;
        const moved = `UPDATE jobs SET scheduled_for = ? WHERE ${waiting}`;
        if (change(database, moved, job.scheduledFor, job.queue, job.name) === 0) insert(database, job, now);
      });
    },
  };
}
