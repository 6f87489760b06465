import { describe, expect, test } from 'vitest';
import { consoleStage } from '../support/console-stage.ts';
import { describeWithServers } from '../support/servers.ts';

const MOST_OF_SHELL = 250_000;

await describeWithServers(['chromium'], (servers) => {
  describe('the console, served', () => {
    const stage = consoleStage(servers.chromium.url);

    test('its shell is less than 250 kB, compressed', async () => {
      const base = stage.server().httpUrl;
      const page = await (await fetch(`${base}/admin`)).text();
      const files = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => `${base}${path}`);
      expect(files.filter((file) => file.endsWith('.js')).length).toBeGreaterThan(1);
      const sizes = await Promise.all(
        files.map(async (file) => {
          const { headers } = await fetch(file, { method: 'HEAD', headers: { 'accept-encoding': 'br' } });
          expect([file, headers.get('content-encoding')]).toEqual([file, 'br']);
          return Number(headers.get('content-length'));
        }),
      );
      const sum = Buffer.byteLength(page) + sizes.reduce((all, size) => all + size, 0);
      process.stderr.write(`the shell of the console: ${sum} bytes\n`);
      expect(sum).toBeLessThan(MOST_OF_SHELL);
    });

    test('its Korean of the API is loaded by those who read Korean alone', async () => {
      for (const [locale, count] of [
        ['en-US', 0],
        ['ko-KR', 1],
      ] as const) {
        const { page } = await stage.consoles().open({ locale });
        const asked: string[] = [];
        page.on('request', (request) => asked.push(request.url()));
        await stage.consoles().signIn(page);
        await page.waitForLoadState('networkidle');
        expect(asked.filter((url) => /\/korean-[\w-]+\.js$/.test(url))).toHaveLength(count);
      }
    });

    test('a page that is asked for while the server is away comes when it is back', async () => {
      const { page } = await stage.open('/');
      await stage.kill();
      await page.getByRole('navigation').getByRole('link', { name: 'Alert rules' }).click();
      await page.getByRole('status').filter({ hasText: 'Reconnecting' }).waitFor();
      await stage.start();
      await page.getByRole('heading', { name: 'Alert rules', level: 1 }).waitFor({ timeout: 60_000 });
      await page.getByRole('status').filter({ hasText: 'Reconnecting' }).waitFor({ state: 'detached' });
    });

    test('a console that was open while the server got another build loads the new one', async () => {
      const { page } = await stage.open('/');
      let isReloaded = false;
      page.on('domcontentloaded', () => {
        isReloaded = true;
      });
      // What a newer build no longer has: until the page is loaded anew, which then names what there is.
      await page.route(/\/admin\/assets\/rules\.page-/, (route) =>
        isReloaded ? route.continue() : route.fulfill({ status: 404 }),
      );
      await page.getByRole('navigation').getByRole('link', { name: 'Alert rules' }).click();
      await page.getByRole('heading', { name: 'Alert rules', level: 1 }).waitFor();
      expect(isReloaded).toBe(true);
    });

    test('nobody is signed out, nor left with an old page, by a proxy that speaks for a server that is away', async () => {
      const { page } = await stage.open('/devices');
      const speak = (status: number) =>
        page.route('**/api/**', (route) => route.fulfill({ status, contentType: 'text/html', body: '<h1>Sorry</h1>' }));
      await speak(404);
      await page.reload();
      await page.getByLabel('Loading').waitFor();
      expect(await page.locator('input[type=email]').count()).toBe(0);
      await page.unrouteAll();
      await page.getByRole('heading', { name: 'Devices', level: 1 }).waitFor();
      await speak(502);
      await page.getByRole('navigation').getByRole('link', { name: 'Groups' }).click();
      await page.getByRole('status').filter({ hasText: 'Reconnecting' }).waitFor();
      await page.unrouteAll();
      await page.getByRole('heading', { name: 'Groups', level: 1 }).waitFor();
      await page.getByRole('status').filter({ hasText: 'Reconnecting' }).waitFor({ state: 'detached' });
    });
  });
});
