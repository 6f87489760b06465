import { Type } from 'typebox';
import { toIsoOrNull } from '#kernel/clock.ts';
import { Instant, Nullable, Strict } from '#platform/http/http.schemas.ts';
import { JOB_STATES, type JobCounts, QUEUES, type QueueName } from '#platform/jobs/jobs.port.ts';
import type { KnownJob } from './jobs.ports.ts';

const Name = Type.String({ description: 'Name of the job', examples: ['apply_retention'] });
const Queue = Type.Enum([...QUEUES], { title: 'JobQueue', description: 'Queue that it waits in' });

const JobView = Strict('Job', {
  name: Name,
  queue: Queue,
  description: Type.String({ description: 'What it does, in a sentence' }),
  schedule: Nullable(
    Type.String({ description: 'Cron expression, in TZ_NAME; null: on demand only', examples: ['0 3 * * *'] }),
  ),
  next_run_at: Nullable(Type.String({ ...Instant, description: 'When its schedule makes it next; null without one' })),
  runs_without_data: Type.Boolean({ description: 'Whether it can be run by hand without `data`' }),
  data_schema: Type.Record(Type.String(), Type.Unknown(), {
    description: 'JSON Schema of the `data` that may be given when it is run by hand',
  }),
});

const StateCounts = Strict(
  'JobCounts',
  Object.fromEntries(
    JOB_STATES.map((state) => [state, Type.Integer({ minimum: 0, description: `Jobs that are ${state}` })]),
  ) as Record<(typeof JOB_STATES)[number], ReturnType<typeof Type.Integer>>,
  { description: '`delayed`: waits for its time, or for its next try. `done` and `failed`: of those that are kept' },
);

export const JobsView = Strict('Jobs', {
  items: Type.Array(JobView, { description: 'Every job that the system knows' }),
  queues: Strict(
    'JobQueues',
    Object.fromEntries(QUEUES.map((queue) => [queue, StateCounts])) as Record<QueueName, typeof StateCounts>,
    { description: 'How many jobs each queue holds, by state' },
  ),
});

export const JobParams = Strict({
  name: Type.String({ minLength: 1, maxLength: 100, description: 'Name of the job', examples: ['apply_retention'] }),
});

export const RunJob = Strict(
  'JobRun',
  {
    data: Type.Optional(
      Type.Unknown({ description: 'As its `data_schema` says; absent: what its schedule would give' }),
    ),
  },
  { examples: [{}] },
);

export const JobAccepted = Strict('JobAccepted', {
  job_id: Type.String({ description: 'Id of the job within its queue' }),
  name: Name,
  queue: Queue,
});

export function presentJobs(jobs: readonly KnownJob[], queues: Readonly<Record<QueueName, JobCounts>>) {
  return {
    items: jobs.map(({ definition: { name, queue, description, schedule, defaultData }, dataSchema, nextRunAt }) => ({
      name,
      queue,
      description,
      schedule: schedule ?? null,
      next_run_at: toIsoOrNull(nextRunAt),
      runs_without_data: defaultData !== undefined,
      data_schema: dataSchema as Record<string, unknown>,
    })),
    queues: { ...queues },
  };
}
