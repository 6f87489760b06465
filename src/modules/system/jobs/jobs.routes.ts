import { ADMINS } from '#kernel/access.ts';
import { type HttpRoutes, principalOf } from '#platform/http/http.port.ts';
import { systemErrors } from '../system.errors.ts';
import { JobAccepted, JobParams, JobsView, presentJobs, RunJob } from './jobs.schemas.ts';
import type { JobsService } from './jobs.service.ts';

const tags = ['system'];

/** `/api/v1/system/jobs` */
export function createJobsRoutes(jobs: JobsService): HttpRoutes {
  return (app) => {
    app.get(
      '/',
      {
        config: { access: ADMINS },
        schema: {
          tags,
          operationId: 'listJobs',
          summary: 'List background jobs',
          description:
            'Every job that the system knows, when it runs next, and how many wait, run and have failed. They are the ' +
            'definitions of this version, some dozen, and no records: all of them at once, without pages, sort or filters.',
          response: { 200: JobsView },
        },
      },
      async () => presentJobs(jobs.list(), await jobs.counts()),
    );

    app.post(
      '/:name/run',
      {
        config: { access: ADMINS, problems: [systemErrors.job_not_found] },
        // Without a body it runs with the data of its schedule.
        preValidation: async (request) => {
          request.body ??= {};
        },
        schema: {
          tags,
          operationId: 'runJob',
          summary: 'Run a background job now',
          description:
            'Puts it into its queue; a worker takes it when it is free. It runs beside its schedule, which stays as it is.',
          params: JobParams,
          body: RunJob,
          response: { 202: JobAccepted },
        },
      },
      async (request, reply) => {
        const { name } = request.params;
        const { id, queue } = await jobs.run(principalOf(request), name, request.body.data);
        return reply.code(202).send({ job_id: id, name, queue });
      },
    );
  };
}
