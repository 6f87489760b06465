import { afterEach, beforeEach, expect, test } from 'vitest';
import type { UserRole } from '#kernel/access.ts';
import { AppError, commonErrors, type ErrorOptions } from '#kernel/errors.ts';
import { createTestApp, type TestApp } from '#test/support/http.ts';
import { createJobsHarness, type JobsHarness } from '#test/support/jobs.ts';
import type { JobDefinition } from '../jobs.port.ts';
import { createDashboardRoutes } from './dashboard.routes.ts';

declare module '../jobs.port.ts' {
  interface JobMap {
    'board.work': { readonly n: number };
  }
}

let queue: JobsHarness;
let app: TestApp;
let isBroken: boolean;
const ranBy: number[] = [];
/** Who did what. */
const noted: unknown[][] = [];
const halfSignedIn = (options: ErrorOptions) =>
  new AppError('unauthenticated', 'second_factor_required', 'a code', options);
const wrongCode = () => new AppError('unauthenticated', 'second_factor_refused', 'not this code');
const SCHEMA = { type: 'object', properties: { n: { type: 'integer', description: 'A <number>' } }, required: ['n'] };
/** Token → role. */
const tokens: Readonly<Record<string, UserRole>> = { admin: 'ADMIN', manager: 'MANAGER' };
beforeEach(async () => {
  isBroken = true;
  ranBy.length = 0;
  noted.length = 0;
  queue = createJobsHarness();
  const work: JobDefinition<'board.work'> = {
    ...{ name: 'board.work', queue: 'default', description: 'Works.', schedule: '0 3 * * *', attempts: 1 },
    defaultData: { n: 0 },
    async run({ n }) {
      if (isBroken) throw new Error('it is broken');
      return { n };
    },
  };
  queue.define([work]);
  await queue.start();
  app = await createTestApp({
    routes: [
      {
        prefix: '/jobs',
        cookies: true,
        routes: createDashboardRoutes({
          jobs: queue.jobs,
          timeZone: 'UTC',
          publicAddress: { basePath: '', isTls: false },
          offered: () => queue.jobs.definitions().map((definition) => ({ definition, dataSchema: SCHEMA })),
          async run({ userId }, _, data) {
            if (typeof (data as { n?: unknown } | undefined)?.n === 'string') {
              throw commonErrors.invalid_input({
                details: { fields: [{ path: '/data/n', message: 'must be a number' }] },
              });
            }
            ranBy.push(userId);
            return { id: await queue.jobs.enqueue('board.work', (data ?? { n: 0 }) as never), queue: 'default' };
          },
          note: async ({ userId, origin }, changes) =>
            void noted.push(...changes.map(({ action, queue: name, id }) => [userId, origin?.ip, action, name, id])),
          async signIn({ email, password }) {
            if (password === 'half') throw halfSignedIn({ details: { ticket: 'the-ticket' } });
            if (password === 'away') throw commonErrors.unavailable();
            if (password !== 'right') throw commonErrors.authentication_required({ detail: '<b>not</b> right' });
            return { accessToken: email.split('@')[0] as string, expiresIn: 1_800 };
          },
          async signInWithCode({ ticket, code }) {
            if (ticket !== 'the-ticket') throw commonErrors.authentication_required({ detail: 'sign in again' });
            if (code !== '123456') throw wrongCode();
            return { accessToken: 'admin', expiresIn: 1_800 };
          },
          async bearer(token) {
            const credential = { kind: 'personal_token', tokenId: 1, isReadOnly: true } as const;
            if (token === 'reader') return { userId: 1, role: 'ADMIN', credential };
            const role = tokens[token];
            if (role === undefined) throw commonErrors.authentication_required();
            return { userId: 1, role };
          },
        }),
      },
    ],
    clock: queue.clock,
  });
});
afterEach(async () => {
  await app.close();
  await queue.stop();
});

const as = { authorization: 'Bearer admin' };
const get = async (path: string) => (await app.request({ url: `/jobs/api/${path}`, headers: as })).json();
const put = (path: string) => app.request({ method: 'PUT', url: `/jobs/api/queues/default/${path}`, headers: as });
const counts = async () => (await get('queues')).queues[0].counts;
const login = (fields: Readonly<Record<string, string>>, headers: Readonly<Record<string, string>> = {}) =>
  app.request({
    method: 'POST',
    url: '/jobs/login',
    raw: new URLSearchParams(fields).toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
  });

test('a failed job is shown with its error, and can be run again', async () => {
  const id = await queue.jobs.enqueue('board.work', { n: 7 });
  await queue.runUntilIdle();
  const { queues } = await get('queues?activeQueue=default&status=failed&page=1&jobsPerPage=10');
  expect(queues[0].counts).toMatchObject({ failed: 1, completed: 0, waiting: 0 });
  expect(queues[0].jobs).toEqual([
    expect.objectContaining({ id, name: 'board.work', failedReason: 'Error: it is broken', data: { n: 7 } }),
  ]);
  isBroken = false;
  expect((await put(`${id}/retry`)).status).toBeLessThan(300);
  await queue.runUntilIdle();
  expect(await counts()).toMatchObject({ failed: 0, completed: 1 });
  expect((await get(`queues/default/${id}`)).job).toMatchObject({ returnValue: { n: 7 } });
  expect((await put(`${id}/clean`)).status).toBeLessThan(300);
  expect(await counts()).toMatchObject({ completed: 0 });
  const by = [1, '127.0.0.1'];
  expect(noted).toEqual([
    [...by, 'job.retried', 'default', id],
    [...by, 'job.removed', 'default', id],
  ]);
  expect((await put(`${id}/retry`)).status).toBe(404);
});

test('a delayed job can be run now, all failed ones again, and all of a state removed', async () => {
  for (const n of [1, 2]) await queue.jobs.enqueue('board.work', { n }, { delayMs: 60_000 });
  const id = await queue.jobs.enqueue('board.work', { n: 3 }, { delayMs: 60_000 });
  expect((await put(`${id}/promote`)).status).toBeLessThan(300);
  expect((await put('promote')).status).toBeLessThan(300);
  await queue.runUntilIdle();
  expect(await counts()).toMatchObject({ failed: 3, delayed: 0 });
  isBroken = false;
  expect((await put('retry/failed')).status).toBeLessThan(300);
  await queue.runUntilIdle();
  expect(await counts()).toMatchObject({ failed: 0, completed: 3 });
  await put('clean/completed');
  expect(await counts()).toMatchObject({ completed: 0 });
});

test('schedules are shown with their next run, and can be run now', async () => {
  const { schedulers } = await get('job-schedulers');
  expect(schedulers).toEqual([
    expect.objectContaining({ id: 'board.work', pattern: '0 3 * * *', tz: 'UTC', next: Date.UTC(2026, 10, 23, 3) }),
  ]);
  isBroken = false;
  expect((await put('job-schedulers/board.work/run')).status).toBe(200);
  expect((await put('job-schedulers/other/run')).status).toBe(404);
  await queue.runUntilIdle();
  expect(await counts()).toMatchObject({ completed: 1 });
  // Whatever else the page offers changes nothing.
  for (const path of ['pause', 'obliterate', 'job-schedulers/board.work/remove']) {
    // 400: the page itself refuses it for a queue that is not paused.
    expect((await put(path)).status, path).toBe(path === 'obliterate' ? 400 : 405);
  }
  expect((await get('job-schedulers')).schedulers).toHaveLength(1);
});

test('only ADMIN and above get in; a browser is sent to the sign-in', async () => {
  const page = { accept: 'text/html' };
  const open = (headers: Readonly<Record<string, string>>) => app.request({ url: '/jobs', headers });
  const sent = await open(page);
  expect([sent.status, sent.headers['location']]).toEqual([303, '/jobs/login']);
  expect((await open({})).status).toBe(401);
  expect((await open({ ...page, cookie: 'core_api_jobs=manager' })).status).toBe(403);
  expect((await open({ authorization: 'Bearer nobody' })).status).toBe(401);
  const shown = await open({ ...page, cookie: 'other=1; core_api_jobs=admin' });
  expect([shown.status, shown.headers['content-security-policy']]).toEqual([
    200,
    expect.stringContaining("default-src 'self'"),
  ]);
  expect(shown.text).not.toMatch(/https?:\/\/(?!www\.w3\.org)/);
  expect((await app.request({ url: '/jobs/static/favicon-32x32.png', headers: as })).status).toBe(200);
  expect((await app.request({ url: '/jobs/static/../../../package.json', headers: as })).status).toBe(404);
});

test('signing in gives a cookie for these addresses alone; what is refused is said on the page', async () => {
  const fine = await login({ email: 'admin@example.com', password: 'right' });
  expect([fine.status, fine.headers['location']]).toEqual([303, '/jobs']);
  expect(fine.headers['set-cookie']).toBe('core_api_jobs=admin; Max-Age=1800; Path=/jobs; HttpOnly; SameSite=Strict');
  const wrong = await login({ email: 'admin@example.com', password: 'wrong' });
  expect(wrong.status).toBe(401);
  expect(wrong.text).toContain('&lt;b&gt;not&lt;/b&gt; right');
  expect(wrong.headers['set-cookie']).toBeUndefined();
  expect((await login({ email: 'manager@example.com', password: 'right' })).status).toBe(403);
  expect((await login({ email: 'admin@example.com' })).status).toBe(422);
  expect((await login({ email: 'admin@example.com', password: 'away' })).status).toBe(503);
  const foreign = await login({ email: 'admin@example.com', password: 'right' }, { 'sec-fetch-site': 'cross-site' });
  expect(foreign.status).toBe(403);
  const out = await app.request({ url: '/jobs/logout' });
  expect(out.headers['set-cookie']).toContain('Max-Age=0');
});

test('a page with a token of its own gets the cookie for it, and nobody gets it for anything else', async () => {
  const enter = (headers: Readonly<Record<string, string>>) =>
    app.request({ method: 'POST', url: '/jobs/enter', headers });
  const entered = await enter(as);
  expect(entered.status).toBe(204);
  const cookie = String(entered.headers['set-cookie']);
  expect(cookie).toMatch(/^core_api_jobs=admin; Path=\/jobs; HttpOnly; SameSite=Strict$/);
  const kept = { cookie: cookie.split(';')[0] as string };
  expect((await app.request({ url: '/jobs', headers: kept })).status).toBe(200);
  expect((await enter(kept)).status).toBe(401);
  expect((await enter({})).status).toBe(401);
  expect((await enter({ authorization: 'Bearer manager' })).status).toBe(403);
  expect((await enter({ authorization: 'Bearer reader' })).status).toBe(403);
});

test('whoever has a second factor is asked for a code, again when it is wrong', async () => {
  const asked = await login({ email: 'admin@example.com', password: 'half' });
  expect(asked.status).toBe(200);
  expect(asked.headers['set-cookie']).toBeUndefined();
  expect(asked.text).toContain('name="ticket" value="the-ticket"');
  const wrong = await login({ ticket: 'the-ticket', code: '000000' });
  expect(wrong.status).toBe(401);
  expect(wrong.text).toContain('name="ticket" value="the-ticket"');
  expect((await login({ ticket: 'the-ticket' })).status).toBe(422);
  const late = await login({ ticket: 'another', code: '123456' });
  expect(late.text).toContain('name="password"');
  const fine = await login({ ticket: 'the-ticket', code: '123456' });
  expect(fine.headers['set-cookie']).toContain('core_api_jobs=admin;');
});

test('a personal access token that may only read looks, and changes nothing', async () => {
  const reader = { authorization: 'Bearer reader' };
  expect((await app.request({ url: '/jobs', headers: { ...reader, accept: 'text/html' } })).status).toBe(200);
  const put = await app.request({ method: 'PUT', url: '/jobs/api/queues/default/pause', headers: reader });
  expect(put.json()).toMatchObject({ status: 403, code: 'token_read_only' });
});

test('a job is run with data from a form made of its schema, and what it does not take is said there', async () => {
  const form = await app.request({ url: '/jobs/run', headers: as });
  expect(form.text).toContain('type="number" id="board.work.n"');
  expect(form.text).toContain('A &lt;number&gt;');
  const send = (n: string) =>
    app.request({
      ...{ method: 'POST', url: '/jobs/run', raw: new URLSearchParams({ job: 'board.work', n }).toString() },
      headers: { ...as, 'content-type': 'application/x-www-form-urlencoded' },
    });
  const refused = await send('"><script>');
  expect(refused.status).toBe(422);
  expect(refused.text).toContain('n must be a number.');
  expect(refused.text).not.toContain('<script>');
  isBroken = false;
  const accepted = await send('7');
  expect([accepted.status, accepted.headers['location']]).toEqual([
    303,
    expect.stringMatching(/^\/jobs\/queue\/default\//),
  ]);
  await queue.runUntilIdle();
  expect((await queue.all('board.work')).map(({ data, state }) => [data, state])).toEqual([[{ n: 7 }, 'done']]);
  expect(ranBy).toEqual([1]);
  expect((await app.request({ url: '/jobs/run' })).status).toBe(401);
});
