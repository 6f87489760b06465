import type { Job, Worker } from 'bullmq';
import type { Clock } from '#kernel/clock.ts';
import { aborted } from '#kernel/concurrency.ts';
import type { Component } from '#kernel/lifecycle.ts';
import type { Logger } from '#kernel/logger.ts';
import type { RedisConnection } from '#platform/redis/redis-connection.ts';
import { describeError, isPermanent, MAX_LOSSES, STOP_GRACE_MS } from '../attempt.ts';
import type { AnyDefinition, Definitions } from '../definitions.ts';
import { type JobObserver, QUEUES, type QueueName } from '../jobs.port.ts';
import { createSchedule } from '../schedule.ts';
import { SCHEDULE_SETTINGS } from './queues.ts';
import { decodeId, type StoredData, type StoredJob, tickOf } from './stored-job.ts';

export interface BullWorkerDeps {
  readonly connection: RedisConnection;
  readonly definitions: Definitions;
  readonly timeZone: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly observer: JobObserver;
  readonly concurrency: number;
  readonly leaseMs: number;
  readonly retryDelayMs: (failures: number) => number;
}

type RedisClient = ReturnType<RedisConnection['patientClient']>;

interface RunningJob {
  readonly job: StoredJob;
  readonly token: string;
  readonly giveUp: AbortController;
  readonly ended: Promise<unknown>;
}

const PROGRESS_MS = 1_000;

export function createBullWorker(deps: BullWorkerDeps): Component {
  const { connection, definitions, timeZone, clock, logger, observer, concurrency, leaseMs, retryDelayMs } = deps;
  const running = new Map<string, RunningJob>();
  const workers: Worker<StoredData, unknown, string>[] = [];
  /** For the commands of all workers; each blocks on one of its own. */
  let client: RedisClient | undefined;
  let isStopping = false;
  const keyOf = (queue: string, id: string | undefined) => `${queue}/${id}`;

  /** Where ticks have passed since the one that the job was made for, it runs for the latest, also when it is tried again. */
  async function settleTick(job: StoredJob, { schedule }: AnyDefinition): Promise<number | null> {
    const tick = tickOf(job);
    if (tick === null || schedule === undefined || job.attemptsStarted > 1) return tick;
    const latest = createSchedule(schedule, timeZone).latest(tick, clock.now());
    if (latest === null) return tick;
    await job.updateData({ ...job.data, scheduledFor: latest });
    return latest;
  }

  async function runJob(job: StoredJob, signal: AbortSignal): Promise<unknown> {
    const definition = definitions.find(job.name);
    if (definition === undefined) throw new Error(`this worker knows no job ${job.name}`);
    const scheduledFor = await settleTick(job, definition);
    let progressAt = Number.NEGATIVE_INFINITY;
    const result = await definition.run(job.data.data as never, {
      jobId: decodeId(job.id ?? ''),
      attempt: job.attemptsMade + 1,
      scheduledFor,
      signal,
      progress(value) {
        const now = performance.now();
        if (now - progressAt < PROGRESS_MS) return;
        progressAt = now;
        job.updateProgress(value).catch((error) => {
          logger.debug({ err: error, job: job.name }, 'the progress of a job could not be kept');
        });
      },
    });
    return result ?? null;
  }

  async function process(queue: QueueName, job: StoredJob, token: string): Promise<unknown> {
    const { UnrecoverableError, WaitingError } = await import('bullmq');
    if (isStopping) {
      await job.moveToWait(token).catch(() => {});
      throw new WaitingError();
    }
    const startedAt = performance.now();
    const giveUp = new AbortController();
    const { signal } = giveUp;
    let outcome: 'done' | 'failed' | 'returned' = 'done';
    const end = Promise.withResolvers<void>();
    const key = keyOf(queue, job.id);
    running.set(key, { job, token, giveUp, ended: end.promise });
    try {
      return await runJob(job, signal);
    } catch (error) {
      if (signal.aborted) {
        outcome = 'returned';
        // It may have been taken from us before.
        await job.moveToWait(token).catch(() => {});
        throw new WaitingError();
      }
      outcome = 'failed';
      throw failure(job, error, UnrecoverableError);
    } finally {
      running.delete(key);
      end.resolve();
      observer.finished({ queue, name: job.name, outcome, elapsedMs: performance.now() - startedAt });
    }
  }

  function failure(job: StoredJob, error: unknown, UnrecoverableError: new (message: string) => Error): Error {
    const attempt = job.attemptsMade + 1;
    const fields = { err: error, job: job.name, job_id: decodeId(job.id ?? ''), attempt };
    const isLast = isPermanent(error) || attempt >= (job.opts.attempts ?? 1);
    if (isLast) logger.error(fields, 'a job has failed and is kept');
    else logger.warn(fields, 'a job has failed and will be tried again');
    const message = error instanceof Error ? error.message : String(error);
    const kept = isPermanent(error) ? new UnrecoverableError(message) : new Error(message);
    kept.stack = describeError(error);
    return kept;
  }

  async function createWorker(queue: QueueName, shared: RedisClient): Promise<void> {
    const { Worker } = await import('bullmq');
    const worker = new Worker<StoredData, unknown, string>(
      queue,
      (job: Job<StoredData, unknown, string>, token = '') => process(queue, job, token),
      {
        connection: shared,
        prefix: connection.key('jobs'),
        autorun: false,
        concurrency,
        lockDuration: leaseMs,
        lockRenewTime: leaseMs / 3,
        stalledInterval: leaseMs / 2,
        maxStalledCount: MAX_LOSSES - 1,
        runRetryDelay: 1_000,
        settings: { ...SCHEDULE_SETTINGS, backoffStrategy: retryDelayMs },
      },
    );
    worker.on('error', (error) => {
      // A lost connection is told by the links, once; here it would be told by every loop.
      logger.debug({ err: error, queue }, 'the worker of a queue met an error');
    });
    worker.on('lockRenewalFailed', (ids) => {
      for (const id of ids) {
        const held = running.get(keyOf(queue, id));
        if (held === undefined || held.giveUp.signal.aborted) continue;
        logger.warn({ job: held.job.name, job_id: decodeId(id) }, 'a job was taken from this worker');
        held.giveUp.abort(new Error('the lease of this job is over'));
      }
    });
    workers.push(worker);
    await worker.waitUntilReady();
  }

  return {
    name: 'job worker',
    async start() {
      isStopping = false;
      client = connection.patientClient('worker');
      // The links say when Redis is away.
      client.on('error', () => {});
      for (const queue of QUEUES) await createWorker(queue, client);
      for (const worker of workers) {
        worker.run().catch((error) => logger.error({ err: error, queue: worker.name }, 'a queue is not worked on'));
      }
    },
    async stop(signal) {
      isStopping = true;
      await Promise.all(workers.map((worker) => worker.pause(true)));
      for (const { giveUp } of running.values()) giveUp.abort(new Error('the worker stops'));
      const grace = AbortSignal.any([signal, AbortSignal.timeout(STOP_GRACE_MS)]);
      await Promise.race([Promise.all([...running.values()].map(({ ended }) => ended)), aborted(grace)]);
      const late = [...running.values()];
      for (const { job, token } of late) {
        logger.warn(
          { job: job.name, job_id: decodeId(job.id ?? '') },
          'a job did not end in time; it goes back to its queue',
        );
        await job.moveToWait(token).catch(() => {});
      }
      running.clear();
      await Promise.race([Promise.all(workers.map((worker) => worker.close(late.length > 0))), aborted(signal)]);
      workers.length = 0;
      client?.disconnect();
    },
  };
}
