import { Type } from 'typebox';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { defined } from '#kernel/defined.ts';
import type { AuditEntry, AuditWriter } from '#platform/audit/audit.port.ts';
import type { JobDefinition } from '#platform/jobs/jobs.port.ts';
import { createTestApp, PRINCIPALS, type TestApp } from '#test/support/http.ts';
import { createJobsHarness, type JobsHarness } from '#test/support/jobs.ts';
import { createJobsRoutes } from './jobs.routes.ts';
import { createJobsService } from './jobs.service.ts';

declare module '#platform/jobs/jobs.port.ts' {
  interface JobMap {
    'system.nightly': Record<string, never>;
    'system.mail': { readonly to: string };
    'system.plain': { readonly n: number };
  }
}

const as = PRINCIPALS.ADMIN;
const ran: unknown[] = [];
const audited: AuditEntry[] = [];
const audit: AuditWriter = { record: async (entry) => void audited.push(entry) };
let queue: JobsHarness;
let app: TestApp;
beforeEach(async () => {
  ran.length = 0;
  audited.length = 0;
  queue = createJobsHarness();
  const run = async (data: unknown) => void ran.push(data);
  const nightly: JobDefinition<'system.nightly'> = {
    ...{
      name: 'system.nightly',
      queue: 'default',
      description: 'Tidies.',
      schedule: '0 3 * * *',
      defaultData: {},
      run,
    },
  };
  const mail: JobDefinition<'system.mail'> = {
    ...{ name: 'system.mail', queue: 'notifications', description: 'Sends.', run },
    dataSchema: Type.Object({ to: Type.String({ minLength: 3 }) }, { additionalProperties: false }),
  };
  const plain: JobDefinition<'system.plain'> = {
    name: 'system.plain',
    queue: 'devices',
    description: 'Plain.',
    run,
    isInternal: true,
  };
  queue.define([nightly, mail, plain] as unknown as readonly JobDefinition[]);
  await queue.start();
  app = await createTestApp({
    routes: [{ prefix: '/api/v1/system/jobs', routes: createJobsRoutes(createJobsService(queue.jobs, audit)) }],
    clock: queue.clock,
  });
});
afterEach(async () => {
  await app.close();
  await queue.stop();
});

const run = (name: string, body?: unknown) =>
  app.request({ method: 'POST', url: `/api/v1/system/jobs/${name}/run`, as, ...defined({ body }) });

test('lists what there is, when it runs next, and what the queues hold', async () => {
  await queue.jobs.enqueue('system.plain', { n: 1 }, { delayMs: 60_000 });
  const { items, queues } = (await app.request({ url: '/api/v1/system/jobs', as })).json();
  expect(items).toEqual([
    {
      ...{ name: 'system.nightly', queue: 'default', description: 'Tidies.', schedule: '0 3 * * *' },
      ...{
        next_run_at: '2026-11-23T03:00:00.000Z',
        runs_without_data: true,
        data_schema: { type: 'object', properties: {}, additionalProperties: false },
      },
    },
    expect.objectContaining({
      ...{ name: 'system.mail', schedule: null, next_run_at: null, runs_without_data: false },
      data_schema: expect.objectContaining({ type: 'object', required: ['to'] }),
    }),
  ]);
  expect(queues.devices).toEqual({ waiting: 0, delayed: 1, running: 0, done: 0, failed: 0 });
  expect(Object.keys(queues)).toEqual(['default', 'analytics', 'notifications', 'devices']);
});

test('runs a job with its own data, with or without a body', async () => {
  for (const body of [undefined, {}]) {
    const answer = await run('system.nightly', body);
    expect(answer.status).toBe(202);
    const accepted = answer.json();
    expect(accepted).toEqual({ job_id: expect.any(String), name: 'system.nightly', queue: 'default' });
    await queue.runUntilIdle();
    expect(await queue.jobs.find('default', accepted.job_id)).toMatchObject({ state: 'done', scheduledFor: null });
  }
  expect(ran).toEqual([{}, {}]);
});

test('runs a job with data that it takes', async () => {
  expect((await run('system.mail', { data: { to: 'a@b.c' } })).status).toBe(202);
  await queue.runUntilIdle();
  expect(ran).toEqual([{ to: 'a@b.c' }]);
  expect(audited).toEqual([
    expect.objectContaining({
      ...{ action: 'job.run', resourceType: 'job', details: { name: 'system.mail', queue: 'notifications' } },
      actor: expect.objectContaining({ userId: as.userId, origin: expect.anything() }),
    }),
  ]);
});

test('refuses what a job does not take, and jobs that there are not', async () => {
  const refusals = [
    ['system.mail', { data: { to: '' } }, '/data/to'],
    ['system.mail', { data: { to: 'a@b.c', cc: 'x' } }, '/data/cc'],
    ['system.mail', {}, '/data/to'],
    ['system.nightly', { data: { n: 1 } }, '/data/n'],
    ['system.nightly', { later: true }, '/later'],
  ] as const;
  for (const [name, body, path] of refusals) {
    const answer = await run(name, body);
    expect(answer.status, path).toBe(422);
    expect(answer.json().errors[0].path).toBe(path);
  }
  // One that only the program makes is not there for anybody.
  for (const name of ['system.unknown', 'system.plain']) {
    const unknown = await run(name, { data: { n: 1 } });
    expect([unknown.status, unknown.json().code]).toEqual([404, 'job_not_found']);
  }
  await queue.runUntilIdle();
  expect(ran).toEqual([]);
});
