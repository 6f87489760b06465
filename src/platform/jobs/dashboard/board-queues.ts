import type { BaseAdapter } from '@bull-board/api/baseAdapter';
import type { JobStatus, QueueJob } from '@bull-board/api/typings/app';
import { type AppError, isAppError } from '#kernel/errors.ts';
import { JOB_STATES, type JobControl, type JobRecord, type JobState, QUEUES, type QueueName } from '../jobs.port.ts';

/** Runs a job as soon as a worker is free. @returns its id @throws AppError for data that the job does not take */
export type RunByHand = (name: string, data: unknown) => Promise<{ readonly id: string; readonly queue: QueueName }>;

/** What somebody has done with a job that was there. */
export interface BoardChange {
  readonly action: 'job.retried' | 'job.promoted' | 'job.removed';
  readonly queue: QueueName;
  readonly id: string;
}

export interface BoardQueuesDeps {
  readonly jobs: JobControl;
  readonly run: RunByHand;
  /** Told of each change after it was made. */
  changed(change: BoardChange): void;
  readonly timeZone: string;
}

const STATUS_OF_KIND: Readonly<Partial<Record<AppError['kind'], number>>> = {
  invalid: 422,
  not_found: 404,
  limited: 429,
};
const STATUS_OF: Readonly<Record<JobState, 'waiting' | 'delayed' | 'active' | 'completed' | 'failed'>> = {
  waiting: 'waiting',
  delayed: 'delayed',
  running: 'active',
  done: 'completed',
  failed: 'failed',
};
const STATUSES = ['active', 'waiting', 'completed', 'failed', 'delayed'] as const;
/** Jobs that one button works through at most. */
const MANY = 5_000;

function statesOf(statuses: readonly string[]): readonly JobState[] {
  return JOB_STATES.filter((state) => statuses.includes(STATUS_OF[state]) || statuses.includes('latest'));
}

/** Our queues as Bull Board sees them: over the port, so that the page is the same whatever keeps the jobs. */
export async function createBoardQueues({
  jobs,
  run,
  changed,
  timeZone,
}: BoardQueuesDeps): Promise<readonly BaseAdapter[]> {
  // Its class is in a file that the package exports for types only.
  const { BaseAdapter } = await import('@bull-board/api/dist/queueAdapters/base.js');

  class BoardQueue extends BaseAdapter {
    readonly queue: QueueName;

    constructor(queue: QueueName) {
      // The page asks less of Bull than of BullMQ, such as no flows of jobs.
      super('bull', { description: descriptionOf(jobs, queue), allowCompletedRetries: false });
      this.queue = queue;
    }

    getName(): string {
      return this.queue;
    }

    /** @returns whether it was done */
    async note(action: BoardChange['action'], id: string, doing: Promise<boolean>): Promise<boolean> {
      const isDone = await doing;
      if (isDone) changed({ action, queue: this.queue, id });
      return isDone;
    }

    promote(id: string): Promise<boolean> {
      return this.note('job.promoted', id, jobs.promote(this.queue, id));
    }

    remove(id: string): Promise<boolean> {
      return this.note('job.removed', id, jobs.remove(this.queue, id));
    }

    retry(id: string): Promise<boolean> {
      return this.note('job.retried', id, jobs.retry(this.queue, id));
    }

    toQueueJob(record: JobRecord): QueueJob {
      const { id } = record;
      // The page takes whatever has an error for failed, and offers to retry it.
      const error = record.state === 'failed' || record.state === 'delayed' ? record.error : null;
      const ensure = (isDone: boolean) => {
        if (!isDone) throw refusal('The job is not in a state in which this can be done.', 409);
      };
      return {
        opts: { ...(record.dueAt === null ? {} : { delay: record.dueAt - record.createdAt }) },
        promote: async () => ensure(await this.promote(id)),
        remove: async () => ensure(await this.remove(id)),
        retry: async () =>
          // One that waits for its next attempt has it now.
          ensure(record.state === 'delayed' ? await this.promote(id) : await this.retry(id)),
        getState: async () => STATUS_OF[record.state],
        toJSON: () => ({
          id,
          name: record.name,
          progress: (record.progress ?? 0) as number | object,
          attemptsMade: record.failures,
          finishedOn: record.finishedAt,
          processedOn: record.startedAt,
          timestamp: record.createdAt,
          failedReason: error?.split('\n')[0] ?? '',
          stacktrace: error === null ? [] : [error],
          data: record.data,
          returnvalue: record.result,
          opts: {
            attempts: record.attempts,
            ...(record.dueAt === null ? {} : { delay: record.dueAt - record.createdAt }),
          },
        }),
      };
    }

    async getJob(id: string): Promise<QueueJob | null> {
      const record = await jobs.find(this.queue, id);
      return record === null ? null : this.toQueueJob(record);
    }

    async getJobs(statuses: JobStatus[], start = 0, end = 19): Promise<QueueJob[]> {
      const page = { states: statesOf(statuses), offset: start, limit: Math.max(0, end - start + 1) };
      return (await jobs.list(this.queue, page)).map((record) => this.toQueueJob(record));
    }

    async getJobCounts() {
      const counts = (await jobs.counts())[this.queue];
      const shown = JOB_STATES.map((state) => [STATUS_OF[state], counts[state]]);
      return { ...Object.fromEntries(shown), 'waiting-children': 0, prioritized: 0, paused: 0, latest: 0 } as never;
    }

    async addJob(name: string, data: unknown): Promise<QueueJob> {
      const isEmpty = data === null || (typeof data === 'object' && Object.keys(data as object).length === 0);
      const { id, queue } = await run(name, isEmpty ? undefined : data).catch((error: unknown) => {
        const status = isAppError(error) ? STATUS_OF_KIND[error.kind] : undefined;
        throw status === undefined ? error : refusal(sentence(error as AppError), status);
      });
      const record = await jobs.find(queue, id);
      if (record === null) throw new Error('The job is gone already.');
      return this.toQueueJob(record);
    }

    async clean(status: string, graceMs: number): Promise<void> {
      const before = Date.now() - graceMs;
      const states = statesOf([status === 'wait' ? 'waiting' : status]);
      for (const { id, finishedAt, createdAt } of await jobs.list(this.queue, { states, offset: 0, limit: MANY })) {
        if ((finishedAt ?? createdAt) <= before) await this.remove(id);
      }
    }

    async empty(): Promise<void> {
      for (const status of ['wait', 'delayed']) await this.clean(status, 0);
    }

    async promoteAll(): Promise<void> {
      const delayed = await jobs.list(this.queue, { states: ['delayed'], offset: 0, limit: MANY });
      for (const { id } of delayed) await this.promote(id);
    }

    async getJobSchedulers() {
      return this.scheduled().map(({ name, schedule, defaultData }) => ({
        id: name,
        name,
        pattern: schedule as string,
        tz: timeZone,
        template: { data: defaultData },
        ...(jobs.nextTick(name) === null ? {} : { next: jobs.nextTick(name) as number }),
      }));
    }

    async getJobSchedulersCount(): Promise<number> {
      return this.scheduled().length;
    }

    override get supportsJobSchedulerRun(): boolean {
      return true;
    }

    async runJobSchedulerNow(name: string): Promise<QueueJob | 'not-found'> {
      const isKnown = this.scheduled().some((definition) => definition.name === name);
      return isKnown ? await this.addJob(name, null) : 'not-found';
    }

    scheduled() {
      return jobs.definitions().filter(({ queue, schedule }) => queue === this.queue && schedule !== undefined);
    }

    getStatuses() {
      return ['latest' as const, ...STATUSES];
    }

    getJobStatuses() {
      return [...STATUSES];
    }

    async getJobLogs(): Promise<string[]> {
      return [];
    }

    async getMetrics() {
      return { meta: { count: 0, prevTS: 0, prevCount: 0 }, data: [], count: 0 };
    }

    async getRedisInfo() {
      return null;
    }

    async isPaused() {
      return false;
    }

    async getGlobalConcurrency() {
      return null;
    }

    // What our queues do not have; the page hides what asks for it.
    async pause(): Promise<never> {
      throw notOffered();
    }

    async resume(): Promise<never> {
      throw notOffered();
    }

    async obliterate(): Promise<never> {
      throw notOffered();
    }

    async setGlobalConcurrency(): Promise<never> {
      throw notOffered();
    }

    async removeJobScheduler(): Promise<never> {
      throw notOffered();
    }

    async updateJobScheduler(): Promise<never> {
      throw notOffered();
    }
  }

  return QUEUES.map((queue) => new BoardQueue(queue));
}

/** What is wrong with which field. */
export function sentence({ message, details }: AppError): string {
  const fields = (details.fields ?? []).map(
    (field) => `${field.path.replace(/^\/data\/?/, '') || 'data'} ${field.message}`,
  );
  return fields.length === 0 ? message : `${fields.join('; ')}.`;
}

/** The board shows the message and answers with the status. */
function refusal(message: string, statusCode: number): Error {
  return Object.assign(new Error(message), { statusCode });
}

function notOffered(): Error {
  return refusal('Schedules, concurrency and pauses are no matter of the dashboard.', 405);
}

function descriptionOf(jobs: JobControl, queue: QueueName): string {
  return jobs
    .definitions()
    .filter((definition) => definition.queue === queue)
    .map(({ name }) => name)
    .join(', ');
}
