import type { Clock } from '#kernel/clock.ts';
import { aborted, pause } from '#kernel/concurrency.ts';
import { createId } from '#kernel/ids.ts';
import type { Component } from '#kernel/lifecycle.ts';
import type { Logger } from '#kernel/logger.ts';
import { describeError, isPermanent, STOP_GRACE_MS } from '../attempt.ts';
import type { Definitions } from '../definitions.ts';
import { type JobObserver, QUEUES, type QueueName } from '../jobs.port.ts';
import type { Asynchronous } from './job-access.ts';
import type { ClaimedJob, JobStore } from './job-store.ts';

export interface SqliteWorkerDeps {
  readonly store: Asynchronous<JobStore>;
  /** Whether the file of the queues is open. */
  readonly isOpen: () => boolean;
  readonly definitions: Definitions;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly observer: JobObserver;
  /** Jobs at once, in each queue. */
  readonly concurrency: number;
  readonly leaseMs: number;
  readonly retryDelayMs: (failures: number) => number;
}

export interface SqliteWorker extends Component {
  /** There may be something to do. */
  wake(): void;
  /** Begins what is due by now; resolves when it has begun. */
  look(): Promise<void>;
}

interface RunningJob {
  readonly job: ClaimedJob;
  readonly giveUp: AbortController;
  /** Settles when the job has ended and its end is in the file. Never rejects. */
  ended: Promise<void>;
}

/** How often it looks for what other processes have enqueued. */
const POLL_MS = 1_000;
const PRUNE_MS = 60_000;
const PROGRESS_MS = 1_000;
/** After the file could not be used. */
const TRY_AGAIN_MS = 1_000;

export function createSqliteWorker(deps: SqliteWorkerDeps): SqliteWorker {
  const { store, isOpen, definitions, clock, logger, observer, concurrency, leaseMs, retryDelayMs } = deps;
  const running = new Map<number, RunningJob>();
  let owner = '';
  let isRunning = false;
  let isWoken = false;
  /** One after the other: two would take more than there is room for. */
  let looking: Promise<void> = Promise.resolve();
  let wakeTimer: NodeJS.Timeout | undefined;
  let timers: NodeJS.Timeout[] = [];

  function room(): Readonly<Record<QueueName, number>> {
    const free = Object.fromEntries(QUEUES.map((queue) => [queue, concurrency])) as Record<QueueName, number>;
    for (const { job } of running.values()) free[job.queue] -= 1;
    return free;
  }

  /** Takes what is due as far as there is room, and sets the clock for what comes next. */
  async function fill(): Promise<void> {
    if (!isRunning) return;
    clearTimeout(wakeTimer);
    try {
      const now = clock.now();
      const { jobs, next } = await store.take({ owner, held: [...running.keys()], room: room() }, now, now + leaseMs);
      for (const job of jobs) begin(job);
      if (next !== null && next - now < POLL_MS) setWakeTimer(Math.max(next - clock.now(), 1));
    } catch (error) {
      logger.error({ err: error }, 'the job queue cannot be used; trying again');
      setWakeTimer(TRY_AGAIN_MS);
    }
  }

  function setWakeTimer(ms: number): void {
    clearTimeout(wakeTimer);
    if (isRunning) wakeTimer = setTimeout(look, ms);
  }

  function look(): Promise<void> {
    looking = looking.then(fill);
    return looking;
  }

  /** Within this process, once in a turn however many were enqueued. */
  function wake(): void {
    if (!isRunning || isWoken) return;
    isWoken = true;
    setImmediate(() => {
      isWoken = false;
      void look();
    });
  }

  /** Prolongs the leases. A job that is not ours any more is told to give up. */
  async function heartbeat(): Promise<void> {
    if (running.size === 0) return;
    try {
      const asked = [...running];
      const held = await store.prolong(
        owner,
        asked.map(([seq]) => seq),
        clock.now() + leaseMs,
      );
      for (const [seq, { job, giveUp }] of asked) {
        if (held.has(seq) || giveUp.signal.aborted || !running.has(seq)) continue;
        logger.warn(
          { job: job.name, job_id: job.id },
          'a job was taken from this worker, which was too slow to say that it lives',
        );
        giveUp.abort(new Error('the lease of this job is over'));
      }
    } catch (error) {
      logger.warn({ err: error }, 'the leases of running jobs could not be prolonged');
    }
  }

  function begin(job: ClaimedJob): void {
    const entry: RunningJob = { job, giveUp: new AbortController(), ended: Promise.resolve() };
    running.set(job.seq, entry);
    entry.ended = runToEnd(entry).finally(() => {
      running.delete(job.seq);
      wake();
    });
  }

  async function runToEnd({ job, giveUp }: RunningJob): Promise<void> {
    const startedAt = performance.now();
    const { signal } = giveUp;
    let settle: () => Promise<boolean>;
    let outcome: 'done' | 'failed' | 'returned' = 'done';
    try {
      const result = await runJob(job, signal);
      const text = result === undefined ? null : JSON.stringify(result);
      settle = () => store.done(job, text, clock.now());
    } catch (error) {
      outcome = signal.aborted ? 'returned' : 'failed';
      settle = signal.aborted ? () => store.giveBack(job) : failure(job, error);
    }
    await untilWritten(settle, job);
    observer.finished({ queue: job.queue, name: job.name, outcome, elapsedMs: performance.now() - startedAt });
  }

  async function runJob(job: ClaimedJob, signal: AbortSignal): Promise<object | undefined> {
    const definition = definitions.find(job.name);
    if (definition === undefined) throw new Error(`this worker knows no job ${job.name}`);
    let progressAt = Number.NEGATIVE_INFINITY;
    return await definition.run(JSON.parse(job.data) as never, {
      jobId: job.id,
      attempt: job.failures + 1,
      scheduledFor: job.scheduledFor,
      signal,
      progress(value) {
        const now = performance.now();
        if (now - progressAt < PROGRESS_MS) return;
        progressAt = now;
        store.progress(job, JSON.stringify(value)).catch((error: unknown) => {
          logger.debug({ err: error, job: job.name }, 'the progress of a job could not be kept');
        });
      },
    });
  }

  function failure(job: ClaimedJob, error: unknown): () => Promise<boolean> {
    const failures = job.failures + 1;
    const fields = { err: error, job: job.name, job_id: job.id, attempt: failures };
    if (isPermanent(error) || failures >= job.attempts) {
      logger.error(fields, 'a job has failed and is kept');
      return () => store.failed(job, describeError(error), clock.now());
    }
    logger.warn(fields, 'a job has failed and will be tried again');
    return () => store.repeatAt(job, describeError(error), clock.now() + retryDelayMs(failures));
  }

  /** While its end is not in the file, the job is ours. If that never succeeds, it runs again: at least once. */
  async function untilWritten(settle: () => Promise<boolean>, job: ClaimedJob): Promise<void> {
    while (isOpen()) {
      try {
        await settle();
        return;
      } catch (error) {
        logger.error({ err: error, job: job.name, job_id: job.id }, 'the end of a job could not be kept; trying again');
        if (!isRunning) return;
        await pause(TRY_AGAIN_MS);
      }
    }
  }

  async function prune(): Promise<void> {
    try {
      await store.prune(clock.now());
    } catch (error) {
      logger.warn({ err: error }, 'finished jobs could not be removed');
    }
  }

  return {
    name: 'job worker',
    wake,
    look,
    async start() {
      owner = createId();
      isRunning = true;
      timers = [setInterval(look, POLL_MS), setInterval(heartbeat, leaseMs / 3), setInterval(prune, PRUNE_MS)];
      for (const timer of timers) timer.unref();
      wake();
    },
    async stop(signal) {
      isRunning = false;
      clearTimeout(wakeTimer);
      // What was taken meanwhile is among those that are told.
      await Promise.race([looking, aborted(signal)]);
      for (const { giveUp } of running.values()) giveUp.abort(new Error('the worker stops'));
      const grace = AbortSignal.any([signal, AbortSignal.timeout(STOP_GRACE_MS)]);
      await Promise.race([Promise.all([...running.values()].map(({ ended }) => ended)), aborted(grace)]);
      for (const timer of timers) clearInterval(timer);
      for (const { job } of running.values()) {
        logger.warn({ job: job.name, job_id: job.id }, 'a job did not end in time; it goes back to its queue');
        await untilWritten(() => store.giveBack(job), job);
      }
      running.clear();
    },
  };
}
