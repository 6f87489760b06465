import { type Browser, chromium, type Page, type Request } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPeople, type People } from '../support/people.ts';
import { describeWithServers } from '../support/servers.ts';
import { type RunningSystem, startTestSystem } from '../support/system.ts';

const MAIL = { to: 'a@example.com', subject: 's', text: 't' };

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
      // Nobody takes mail there, so that a job that sends one waits for its next attempt.
      const mail = { SMTP_URL: 'smtp://127.0.0.1:1', MAIL_FROM: 'core@example.com' };
      system = await startTestSystem({ ...mail, ...env });
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

    test('no control that it shows leads to an error', { timeout: 480_000 }, async () => {
      const context = await browser.newContext();
      const page = await context.newPage();
      page.setDefaultTimeout(20_000);
      const failures: string[] = [];
      const done = new Set<string>();
      const underWay = new Set<Request>();
      let lastChange = performance.now();
      const changes = (change: (request: Request) => void) => (request: Request) => {
        change(request);
        lastChange = performance.now();
      };
      page.on(
        'request',
        changes((request) => underWay.add(request)),
      );
      for (const end of ['requestfinished', 'requestfailed'] as const)
        page.on(
          end as 'requestfinished',
          changes((request) => underWay.delete(request)),
        );
      /** Nothing is asked for a moment: the page asks at once what it asks for. */
      const quiet = () =>
        expect.poll(() => underWay.size === 0 && performance.now() - lastChange > 200, { interval: 25 }).toBe(true);
      page.on('response', (response) => {
        const asked = `${response.request().method()} ${new URL(response.url()).pathname}`;
        if (response.status() >= 400) failures.push(`${tried}: ${asked} ${response.status()}`);
        else if (!asked.startsWith('GET') && asked.includes('/api/'))
          done.add(
            asked
              .split('/')
              .slice(5)
              .join('/')
              // What a schedule makes is called after it and its time, the others by a UUID.
              .replace(/^.+\/(?=(clean|promote|retry)$)/, 'ID/'),
          );
      });
      await signIn(page, people.ADMIN);
      await page.getByText('analytics', { exact: true }).first().waitFor();

      /** Jobs that have failed, wait for their next attempt and are done: a control may have removed the last ones. */
      async function prepare(): Promise<void> {
        const headers = { authorization: `Bearer ${people.ADMIN.token()}` };
        for (const [queue, state, job, data] of [
          ['analytics', 'failed', 'analyze_device', { device_id: 999_999 }],
          ['default', 'delayed', 'send_email', MAIL],
          ['devices', 'completed', 'check_device_health', undefined],
        ] as const) {
          const count = async () => {
            const { queues } = (await system.request({ url: '/jobs/api/queues', headers })).json();
            return queues.find(({ name }: { name: string }) => name === queue).counts[state];
          };
          if ((await count()) > 0) continue;
          await system.request({ method: 'POST', url: `/api/v1/system/jobs/${job}/run`, headers, body: { data } });
          await expect.poll(count, { timeout: 20_000 }).toBeGreaterThan(0);
        }
      }

      async function open(path: string, menu: number | null): Promise<void> {
        await prepare();
        await page.goto(`${base}/jobs${path}`);
        await quiet();
        if (menu !== null) await page.locator('[aria-haspopup="menu"]:visible').nth(menu).click();
      }

      const shown = (menu: number | null) =>
        page.locator(menu === null ? 'button:visible:enabled' : '[role="menuitem"]:visible:not(a)');
      /** What it looks like, and where it is: one of many rows stands for all of them. */
      const describeAll = (menu: number | null) =>
        shown(menu).evaluateAll((all) =>
          all.map((each) => {
            const place = each.closest('[class*="Actions-"],[class*="actions"]')?.className.split('-')[0];
            const icon = each.querySelector('svg')?.getAttribute('class');
            return [place, each.getAttribute('aria-label'), each.textContent, icon].join('|');
          }),
        );
      const known = new Set<string>();
      let tried = 'opening the page';

      /** @returns whether it was there again: a job may have gone on meanwhile */
      async function press(path: string, menu: number | null, looks: string): Promise<boolean> {
        for (let attempt = 0; attempt < 3; attempt += 1) {
          await open(path, menu);
          const at = (await describeAll(menu)).indexOf(looks);
          const click = () => shown(menu).nth(at).click({ timeout: 5_000 });
          if (
            at !== -1 &&
            (await click().then(
              () => true,
              () => false,
            ))
          )
            return true;
        }
        return false;
      }

      async function tryAll(path: string, menu: number | null): Promise<void> {
        await open(path, menu);
        for (const looks of await describeAll(menu)) {
          // What works on jobs of a state does something else in another.
          const state = /^\w*Actions/.test(looks) ? path.split('?')[1] : '';
          const control = `${menu === null ? '' : `${menu}: `}${looks.replace(/\d+/g, 'N')}${state}`;
          if (known.has(control)) continue;
          known.add(control);
          tried = `${path} ${control}`;
          if (!(await press(path, menu, looks))) continue;
          const confirm = page.getByRole('button', { name: 'Confirm', exact: true });
          await quiet();
          if (await confirm.isVisible()) await confirm.click();
          await quiet();
        }
      }

      const pages = [
        '',
        '/queue/analytics',
        '/queue/analytics?status=failed',
        '/queue/default',
        '/queue/default?status=delayed',
        '/queue/devices',
        '/queue/devices?status=completed',
        '/queue/devices?status=delayed',
        '/job-schedulers',
      ];
      const single = ['ID/clean', 'ID/promote', 'ID/retry'];
      const many = ['clean/completed', 'clean/delayed', 'clean/failed', 'empty', 'promote', 'retry/failed'];
      const works = [...single, ...many];
      // A job may go on between being seen and being dealt with; its controls are there again the next time.
      for (let round = 0; round < 3 && !works.every((each) => done.has(each)); round += 1) {
        known.clear();
        for (const path of pages) {
          await tryAll(path, null);
          const menus = await page.locator('[aria-haspopup="menu"]:visible').count();
          for (let menu = 0; menu < menus; menu += 1) await tryAll(path, menu);
        }
      }
      expect(failures).toEqual([]);
      // And those that work are there.
      expect([...done].sort()).toEqual(works);
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
