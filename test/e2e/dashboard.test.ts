import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPeople, type People } from '../support/people.ts';
import { describeWithServers } from '../support/servers.ts';
import { type RunningSystem, startTestSystem } from '../support/system.ts';

/** The dashboard of jobs as an administrator uses it; the same page whatever keeps the jobs. */
await describeWithServers(['chromium', 'redis'], (servers) => {
  describe.each([
    ['SQLite', {}],
    ['BullMQ', { REDIS_URL: servers.redis.url }],
  ] as const)('/jobs on %s', (_, env: Readonly<Record<string, string>>) => {
    let system: RunningSystem;
    let people: People;
    let browser: Browser;
    let base: string;

    beforeAll(async () => {
      system = await startTestSystem(env);
      people = await createPeople(system);
      base = `http://127.0.0.1:${system.system.http.port()}`;
      browser = await chromium.connectOverCDP(servers.chromium.url);
    });
    afterAll(async () => {
      await browser?.close();
      await system?.stop();
    });

    async function signIn(page: Page, { email, password }: { email: string; password: string }): Promise<void> {
      await page.goto(`${base}/jobs`);
      expect(page.url()).toBe(`${base}/jobs/login`);
      await page.getByLabel('E-mail').fill(email);
      await page.getByLabel('Password').fill(password);
      await page.getByRole('button', { name: 'Sign in' }).click();
    }

    test('a browser is asked who it is; somebody who may not see it is told so', async () => {
      const context = await browser.newContext();
      const page = await context.newPage();
      await signIn(page, { email: people.ADMIN.email, password: 'not the password' });
      await page.getByRole('alert').filter({ hasText: 'not right' }).waitFor();
      await signIn(page, people.USER);
      await page.getByRole('alert').filter({ hasText: 'role' }).waitFor();
      expect(await context.cookies()).toEqual([]);
      await context.close();
    });

    test('shows queues, schedules and what became of a job, and lets one run it', async () => {
      const context = await browser.newContext();
      const page = await context.newPage();
      const errors: string[] = [];
      page.on('pageerror', (error) => errors.push(error.message));
      const foreign: string[] = [];
      page.on('request', (request) => {
        if (!request.url().startsWith(base) && !request.url().startsWith('data:')) foreign.push(request.url());
      });
      await signIn(page, people.ADMIN);
      for (const queue of ['default', 'analytics', 'notifications', 'devices']) {
        await page.getByText(queue, { exact: true }).first().waitFor();
      }
      const [cookie] = await context.cookies();
      expect(cookie).toMatchObject({ path: '/jobs', httpOnly: true, sameSite: 'Strict' });

      await page.goto(`${base}/jobs/job-schedulers`);
      await page.getByText('check_device_health').first().waitFor();

      // What is made by hand has to be what the job takes.
      const data = { to: 'a@example.com', text: 't' };
      const change = (method: string, path: string, body?: unknown) =>
        page.evaluate(
          async ([how, where, what]) => {
            const headers = { 'content-type': 'application/json' };
            const response = await fetch(where, {
              method: how,
              ...(what === undefined ? {} : { headers, body: what }),
            });
            return [response.status, await response.text()] as const;
          },
          [method, `/jobs/api/queues/${path}`, body === undefined ? undefined : JSON.stringify(body)] as const,
        );
      const [refused, why] = await change('POST', 'default/add', { name: 'send_email', data, options: {} });
      expect([refused, why]).toEqual([422, expect.stringContaining('subject')]);
      const [ran, answer] = await change('PUT', 'devices/job-schedulers/check_device_health/run');
      expect(ran).toBe(200);
      const { id } = JSON.parse(answer).job;
      await page.goto(`${base}/jobs/queue/devices/${id}`);
      await page.getByText('offline').first().waitFor();
      await page.goto(`${base}/jobs/run`);
      await page.getByText('analyze_device').first().click();
      await page.getByLabel('device_id').fill('999999');
      await page.getByRole('button', { name: 'Run analyze_device' }).click();
      await page.waitForURL(/\/jobs\/queue\/analytics\//);
      expect(foreign).toEqual([]);
      expect(errors).toEqual([]);
      expect(await page.getByText('Internal server error').count()).toBe(0);
      await context.close();
    });

    test('a page of another site can change nothing', async () => {
      const answer = await system.request({
        method: 'POST',
        url: '/jobs/login',
        raw: new URLSearchParams({ email: people.ADMIN.email, password: people.ADMIN.password }).toString(),
        headers: { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' },
      });
      const cookie = answer.headers['set-cookie']?.split(';')[0] ?? '';
      const put = (headers: Readonly<Record<string, string>>) =>
        system.request({
          method: 'PUT',
          url: '/jobs/api/queues/devices/job-schedulers/check_device_health/run',
          headers: { cookie, ...headers },
        });
      for (const headers of [
        { 'sec-fetch-site': 'cross-site' },
        { 'sec-fetch-site': 'same-site' },
        { origin: 'https://elsewhere.example' },
        { origin: 'null' },
      ]) {
        expect((await put(headers)).status, JSON.stringify(headers)).toBe(403);
      }
      expect((await put({ 'sec-fetch-site': 'same-origin' })).status).toBe(200);
      expect((await put({ cookie: 'core_api_jobs=forged' })).status).toBe(401);
    });
  });
});
