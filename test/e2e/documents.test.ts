import { type Browser, chromium, type Locator, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPeople } from '../support/people.ts';
import { describeWithServer } from '../support/servers.ts';
import { type RunningSystem, startTestSystem } from '../support/system.ts';

/** Whose program shows the document, which is not what people look for. */
const OTHERS = /swagger(?!-ui)|smartbear/i;

/** The API document as people see it, in a browser that may load nothing from elsewhere. */
await describeWithServer('chromium', (server) => {
  describe('the API document in a browser', () => {
    let system: RunningSystem;
    let browser: Browser;
    let base: string;

    beforeAll(async () => {
      system = await startTestSystem();
      base = `http://127.0.0.1:${system.system.http.port()}`;
      browser = await chromium.connectOverCDP(server.url);
    });
    afterAll(async () => {
      await browser?.close();
      await system?.stop();
    });

    /** The page, what broke in it, and which other servers it got an answer from. */
    async function open(path: string): Promise<{ page: Page; errors: string[]; elsewhere: string[] }> {
      const page = await browser.newPage();
      const errors: string[] = [];
      const elsewhere: string[] = [];
      page.on('pageerror', (error) => errors.push(error.message));
      page.on('response', (response) => {
        if (!/^(blob|data):/.test(response.url()) && !response.url().startsWith(base)) elsewhere.push(response.url());
      });
      await page.goto(base + path);
      return { page, errors, elsewhere };
    }

    test('/redoc shows every operation, and finds one', async () => {
      const { page, errors, elsewhere } = await open('/redoc');
      await page.getByRole('heading', { name: 'Register a device' }).waitFor();
      const shown = await page.locator('[data-section-id^="tag/"] h2').allInnerTexts();
      expect(shown.length).toBeGreaterThan(40);
      // The search runs in a worker, which the policy has to let it have.
      await page.getByPlaceholder('Search').pressSequentially('register');
      await page.locator('[data-role="search:results"]', { hasText: 'Register a device' }).waitFor();
      expect({ errors, elsewhere }).toEqual({ errors: [], elsewhere: [] });
      await page.close();
    });

    /** Of so many operations, Swagger UI draws those that are in sight. */
    async function scrollTo(page: Page, operation: Locator): Promise<void> {
      await page.locator('.opblock').first().waitFor();
      await expect
        .poll(async () => {
          const count = await operation.count();
          if (count === 0) await page.mouse.wheel(0, 600);
          return count;
        })
        .toBe(1);
    }

    test('/docs lets one try an operation', async () => {
      const { page, errors, elsewhere } = await open('/docs');
      const operation = page.locator('.opblock', { hasText: '/api/v1/system/health' });
      await scrollTo(page, operation);
      await operation.locator('.opblock-summary-control').click();
      await operation.getByRole('button', { name: 'Try it out' }).click();
      await operation.getByRole('button', { name: 'Execute' }).click();
      await operation.locator('.live-responses-table .response-col_status', { hasText: '200' }).waitFor();
      expect({ errors, elsewhere }).toEqual({ errors: [], elsewhere: [] });
      await page.close();
    });

    test('/docs finds something when one tries a list, and keeps the login', async () => {
      const people = await createPeople(system);
      await people.device();
      const { page, errors, elsewhere } = await open('/docs');
      await page.getByRole('button', { name: 'Authorize' }).click();
      await page.getByLabel('auth-bearer-value').fill(people.SUPERADMIN.token());
      await page.locator('.auth-btn-wrapper .authorize').first().click();
      await page.getByRole('button', { name: 'Close' }).first().click();
      await page.reload();

      const operation = page.locator('#operations-devices-listDevices');
      await scrollTo(page, operation);
      await operation.locator('.opblock-summary-control').click();
      await operation.getByRole('button', { name: 'Try it out' }).click();
      const answered = page.waitForResponse((response) => response.url().includes('/api/v1/devices'));
      await operation.getByRole('button', { name: 'Execute' }).click();
      const response = await answered;
      // Defaults, and no example of a filter.
      expect(Object.fromEntries(new URL(response.url()).searchParams)).toEqual({ page: '1', size: '20' });
      expect(response.status()).toBe(200);
      expect((await response.json()).total).toBe(1);
      await operation.locator('.live-responses-table .response-col_status', { hasText: '200' }).waitFor();
      expect({ errors, elsewhere }).toEqual({ errors: [], elsewhere: [] });
      await page.close();
    });

    test('/docs shows our name and nobody else’s', async () => {
      const { page, elsewhere } = await open('/docs');
      await page.locator('.opblock').first().waitFor();
      expect(await page.title()).toBe('core-api');
      expect(await page.locator('link[rel=icon]').getAttribute('href')).toContain('core-api.svg');
      const links = page.locator('#swagger-ui a[href], #swagger-ui img');
      expect(await links.evaluateAll((found) => found.map((each) => each.outerHTML).join())).not.toMatch(OTHERS);
      expect(await page.locator('#swagger-ui').textContent()).not.toMatch(OTHERS);
      expect(elsewhere).toEqual([]);
      await page.close();
    });
  });
});
