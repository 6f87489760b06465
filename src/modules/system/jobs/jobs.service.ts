import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Principal } from '#kernel/access.ts';
import { commonErrors } from '#kernel/errors.ts';
import { fieldsOf } from '#kernel/validation-messages.ts';
import type { AuditWriter } from '#platform/audit/audit.port.ts';
import type { JobControl, JobDefinition, JobQueue, QueueName } from '#platform/jobs/jobs.port.ts';
import { systemErrors } from '../system.errors.ts';
import type { KnownJob } from './jobs.ports.ts';

/** What somebody did with jobs that are there. */
export interface JobChange {
  readonly action: 'job.retried' | 'job.promoted' | 'job.removed';
  readonly queue: QueueName;
  readonly id: string;
}

export type JobsService = ReturnType<typeof createJobsService>;

const NOTHING = { type: 'object', properties: {}, additionalProperties: false } as const;
/** Ids that an entry about many jobs names. */
const NAMED = 20;

/** What people may do with background jobs. */
export function createJobsService(
  jobs: JobQueue & Pick<JobControl, 'definitions' | 'nextTick' | 'counts'>,
  audit: AuditWriter,
) {
  const offered = () => jobs.definitions().filter(({ isInternal }) => isInternal !== true);
  const schemaOf = ({ dataSchema }: JobDefinition) => dataSchema ?? NOTHING;

  return {
    list: (): readonly KnownJob[] =>
      offered().map((definition) => ({
        definition,
        dataSchema: schemaOf(definition),
        nextRunAt: jobs.nextTick(definition.name),
      })),
    counts: () => jobs.counts(),
    /**
     * Runs a job as soon as a worker is free.
     * @throws AppError `job_not_found`, `invalid_input` for data that the job does not take, `unavailable`
     */
    async run(principal: Principal, name: string, given: unknown) {
      const definition = offered().find((each) => each.name === name);
      if (definition === undefined) throw systemErrors.job_not_found();
      const { queue } = definition;
      const data = dataFor(definition, schemaOf(definition), given);
      const id = await jobs.enqueue(definition.name, data as never);
      await audit.record({
        actor: principal,
        action: 'job.run',
        resourceType: 'job',
        resourceId: id,
        details: { name, queue },
      });
      return { id, queue };
    },
    /** Notes what somebody has done, one entry for what is the same. */
    async note(principal: Principal, changes: readonly JobChange[]): Promise<void> {
      const kinds = Map.groupBy(changes, ({ action, queue }) => `${action} ${queue}`);
      for (const same of kinds.values()) {
        const [{ action, queue, id }] = same as [JobChange];
        const ids = same.slice(0, NAMED).map((each) => each.id);
        await audit.record({
          ...{ actor: principal, action, resourceType: 'job', resourceId: same.length === 1 ? id : null },
          details: same.length === 1 ? { queue } : { queue, count: same.length, ids },
        });
      }
    },
  };
}

function dataFor({ defaultData }: JobDefinition, schema: object, given: unknown): unknown {
  if (given === undefined && defaultData !== undefined) return defaultData;
  // What is missing is said field by field.
  const data = given ?? {};
  const fields = fieldsOf(schema, Compile(schema as TSchema).Errors(data), data);
  if (fields.length > 0) {
    const details = {
      fields: fields.map(({ path, message }) => ({ path: `/data${path === '/' ? '' : path}`, message })),
    };
    throw commonErrors.invalid_input({ details });
  }
  return data;
}
