import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { commonErrors } from '#kernel/errors.ts';
import { fieldsOf } from '#kernel/validation-messages.ts';
import type { JobControl, JobDefinition, JobQueue, QueueName } from '#platform/jobs/jobs.port.ts';
import { systemErrors } from '../system.errors.ts';

export interface KnownJob {
  readonly definition: JobDefinition;
  /** Epoch milliseconds. */
  readonly nextRunAt: number | null;
}

export type JobsService = ReturnType<typeof createJobsService>;

/** What people may do with background jobs. */
export function createJobsService(jobs: JobQueue & Pick<JobControl, 'definitions' | 'nextTick' | 'counts'>) {
  return {
    list: (): readonly KnownJob[] =>
      jobs.definitions().map((definition) => ({ definition, nextRunAt: jobs.nextTick(definition.name) })),
    counts: () => jobs.counts(),
    /**
     * Runs a job as soon as a worker is free.
     * @throws AppError `job_not_found`, `invalid_input` for data that the job does not take, `unavailable`
     */
    async run(name: string, given: unknown): Promise<{ readonly id: string; readonly queue: QueueName }> {
      const definition = jobs.definitions().find((each) => each.name === name);
      if (definition === undefined) throw systemErrors.job_not_found();
      const id = await jobs.enqueue(definition.name, dataFor(definition, given) as never);
      return { id, queue: definition.queue };
    },
  };
}

function dataFor({ defaultData, dataSchema }: JobDefinition, given: unknown): unknown {
  const refused = (path: string, message: string) =>
    commonErrors.invalid_input({ details: { fields: [{ path, message }] } });
  if (given === undefined) {
    if (defaultData === undefined) throw refused('/data', 'is needed: this job has no data of its own');
    return defaultData;
  }
  if (dataSchema === undefined) throw refused('/data', 'this job takes none');
  const fields = fieldsOf(dataSchema, Compile(dataSchema as TSchema).Errors(given), given);
  if (fields.length > 0) {
    const details = {
      fields: fields.map(({ path, message }) => ({ path: `/data${path === '/' ? '' : path}`, message })),
    };
    throw commonErrors.invalid_input({ details });
  }
  return given;
}
