import { readFile } from 'node:fs/promises';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiClient, signInAsSuperuser } from '../support/api-client.ts';
import { type ConsoleBrowser, consoleIn } from '../support/console.ts';
import { temporaryFolder } from '../support/folders.ts';
import { freePort, type ServerProcess, startServer } from '../support/server-process.ts';
import { describeWithServers } from '../support/servers.ts';

const HOUR_MS = 3_600_000;
const EVERY_MS = 5_000;

interface Point {
  readonly x: number;
  readonly y: number;
}

/** A chart as people use one: with a mouse, with fingers, with keys, and as a table. */
await describeWithServers(['chromium'], (servers) => {
  describe('the charts of the console', () => {
    const folder = temporaryFolder();
    let server: ServerProcess;
    let api: ApiClient;
    let browser: Browser;
    let consoles: ConsoleBrowser;
    const devices: { id: number; uid: string; secret: string }[] = [];

    beforeAll(async () => {
      const settings = {
        DATA_DIR: folder.path,
        HTTP_PORT: String(await freePort()),
        MQTT_PORT: String(await freePort()),
      };
      server = await startServer(settings);
      api = await signInAsSuperuser(server, settings);
      for (const uid of ['pump-1', 'pump-2']) {
        devices.push(await api.registerDevice({ name: uid, device_uid: uid }));
      }
      const now = Date.now();
      for (const device of devices) {
        const samples = Array.from({ length: (2 * HOUR_MS) / EVERY_MS }, (_, index) => {
          const at = now - 2 * HOUR_MS + index * EVERY_MS;
          const swing = Math.sin(at / 400_000);
          const metrics = { temperature: 20 + 5 * swing, pressure: 1_000 + swing };
          return { timestamp: new Date(at).toISOString(), metrics };
        });
        for (let at = 0; at < samples.length; at += 1_000) await send(device, samples.slice(at, at + 1_000));
      }
      const rule = { name: 'Too hot', metric: 'temperature', condition: 'gt', threshold: 60, severity: 'CRITICAL' };
      await api.call('POST', '/api/v1/monitoring/alert-rules', { ...rule, scope: { all: true } });
      browser = await chromium.connectOverCDP(servers.chromium.url);
      consoles = consoleIn(browser, () => server.httpUrl);
    });
    afterAll(async () => {
      await consoles?.close();
      await browser?.close();
      await server?.end('SIGKILL');
      folder.remove();
    });

    async function send({ uid, secret }: { uid: string; secret: string }, samples: object): Promise<void> {
      const { status } = await fetch(`${server.httpUrl}/api/v1/ingest/telemetry`, {
        method: 'POST',
        headers: {
          authorization: `Basic ${Buffer.from(`${uid}:${secret}`).toString('base64')}`,
          'content-type': 'application/json',
        },
        body: JSON.stringify(samples),
      });
      expect(status).toBe(200);
    }

    const explore = (query = '') => `/explore?devices=${devices[0]?.id},${devices[1]?.id}&metrics=temperature${query}`;
    const zoomOf = (page: Page) => {
      const { searchParams } = new URL(page.url());
      const [from, to] = [searchParams.get('from'), searchParams.get('to')];
      return from === null || to === null ? null : { from: Number(from), to: Number(to) };
    };
    const resolution = (page: Page) => page.getByRole('status').filter({ hasText: /Averages|Every sample/ });

    describe('with a mouse and keys', () => {
      let page: Page;
      let faults: string[];
      beforeAll(async () => {
        ({ page, faults } = await consoles.open());
        await consoles.signIn(page);
      });

      async function dragOver(from: number, to: number): Promise<void> {
        // With its last line the chart is made anew.
        await page.locator('.u-legend').first().getByText('pump-2').waitFor();
        const box = (await page.locator('.u-over').first().boundingBox()) ?? raise();
        const y = box.y + box.height / 2;
        await page.mouse.move(box.x + box.width * from, y);
        await page.mouse.down();
        await page.mouse.move(box.x + box.width * to, y, { steps: 5 });
        await page.mouse.up();
      }

      test('a drag zooms every chart and the address, the averages become finer, and what comes in waits', async () => {
        await consoles.visit(page, explore(',pressure'));
        await page.getByText('Live', { exact: true }).waitFor();
        await expect.poll(() => resolution(page).textContent()).toBe('Averages of 10 sec, with minimum and maximum');
        await dragOver(0.4, 0.6);
        await page.getByText('Fixed range', { exact: true }).waitFor();
        await expect.poll(() => resolution(page).textContent()).toBe('Every sample');
        const zoom = zoomOf(page);
        expect((zoom?.to ?? 0) - (zoom?.from ?? 0)).toBeGreaterThan(0.15 * HOUR_MS);
        expect((zoom?.to ?? 0) - (zoom?.from ?? 0)).toBeLessThan(0.25 * HOUR_MS);
        await page.getByRole('button', { name: 'As a table: pressure' }).click();
        const rows = await page.getByRole('region', { name: 'pressure' }).getByRole('row').count();
        expect(rows).toBeGreaterThan(100);
        await send(devices[0] ?? raise(), { metrics: { temperature: 21, pressure: 1_001 } });
        // The other chart is a chart still, and goes back for both.
        await expect.poll(() => page.getByRole('region', { name: 'pressure' }).getByRole('row').count()).toBe(rows);
        expect(zoomOf(page)).toEqual(zoom);
        await page.locator('.u-over').first().dblclick();
        await page.getByText('Live', { exact: true }).waitFor();
        expect(zoomOf(page)).toBeNull();
      });

      test('keys do the same', async () => {
        await consoles.visit(page, explore());
        const chart = page.getByRole('application', { name: /^temperature over time/ });
        await chart.focus();
        await page.keyboard.press('+');
        await page.getByText('Fixed range', { exact: true }).waitFor();
        const zoomed = zoomOf(page);
        expect((zoomed?.to ?? 0) - (zoomed?.from ?? 0)).toBeCloseTo(HOUR_MS / 2, -4);
        await page.keyboard.press('ArrowLeft');
        await expect.poll(() => zoomOf(page)?.to).toBeLessThan(zoomed?.to ?? 0);
        await page.keyboard.press('0');
        await expect.poll(() => zoomOf(page)).toBeNull();
      });

      test('what is drawn is a table, a CSV, a picture; the samples are Parquet', async () => {
        await consoles.visit(page, explore('&range=15m'));
        const saved = async (item: string) => {
          await page.getByRole('button', { name: 'More for temperature' }).click();
          const download = page.waitForEvent('download');
          await page.getByRole('menuitem', { name: item }).click();
          return await readFile(await (await download).path());
        };
        const [head, first] = (await saved('CSV of what is shown')).toString().split('\r\n');
        expect(head).toBe('timestamp,pump-1,pump-2');
        expect(first).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z,[\d.]+,[\d.]+$/);
        expect((await saved('PNG of the chart')).subarray(1, 4).toString()).toBe('PNG');
        expect((await saved('All samples of pump-2 as Parquet')).subarray(0, 4).toString()).toBe('PAR1');
        await page.getByRole('button', { name: 'As a table: temperature' }).click();
        const table = page.getByRole('region', { name: 'temperature' });
        expect(await table.getByRole('columnheader').allTextContents()).toEqual(['Time', 'pump-1', 'pump-2']);
        expect(await table.getByRole('row').count()).toBeGreaterThan(100);
      });

      test.each(['/', `/devices/1`, '/devices/1?tab=charts'])('%s: its charts are tables, too', async (path) => {
        await consoles.visit(page, path);
        await page
          .getByRole('button', { name: /^As a table/ })
          .first()
          .click();
        await page.getByRole('columnheader', { name: 'Time' }).first().waitFor();
      });

      test('the period before and the thresholds of rules are laid over it', async () => {
        expect(faults).toEqual([]);
        await consoles.visit(page, explore());
        const inColour = () =>
          page.evaluate<number>(`(() => {
            const canvas = document.querySelector('.uplot canvas');
            const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
            let count = 0;
            for (let at = 0; at < data.length; at += 4)
              if (data[at] > 190 && data[at + 1] < 70 && data[at + 2] > 35 && data[at + 3] > 0) count += 1;
            return count;
          })()`);
        expect(await inColour()).toBe(0);
        await page.getByText('Thresholds of rules').click();
        await expect.poll(inColour).toBeGreaterThan(100);
        await page.getByText('The period before').click();
        await page.locator('.u-legend').getByText('pump-1 (the period before)').waitFor();
      });
    });

    describe('with fingers', () => {
      let page: Page;
      let touch: (type: 'touchStart' | 'touchMove' | 'touchEnd', ...points: readonly Point[]) => Promise<void>;
      beforeAll(async () => {
        ({ page } = await consoles.open({ hasTouch: true, isMobile: true, viewport: { width: 390, height: 800 } }));
        await consoles.signIn(page);
        const session = await page.context().newCDPSession(page);
        touch = async (type, ...points) => {
          const touchPoints = points.map(({ x, y }, id) => ({ x, y, id }));
          await session.send('Input.dispatchTouchEvent', { type, touchPoints });
        };
      });

      /** The middle of the first chart, well within sight. */
      async function middle(): Promise<Point> {
        await consoles.visit(page, explore(',pressure'));
        const chart = page.locator('.u-over').first();
        await chart.evaluate('node => node.scrollIntoView({ block: "center" })');
        const box = (await chart.boundingBox()) ?? raise();
        return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
      }
      async function move(...paths: readonly (readonly [from: Point, to: Point])[]): Promise<void> {
        await touch('touchStart', ...paths.map(([from]) => from));
        for (let step = 1; step <= 10; step += 1) {
          const between = (from: number, to: number) => from + ((to - from) * step) / 10;
          await touch('touchMove', ...paths.map(([a, b]) => ({ x: between(a.x, b.x), y: between(a.y, b.y) })));
        }
        await touch('touchEnd');
      }
      const scrolled = () => page.evaluate<number>('scrollY');

      test('up and down scroll the page, and the chart stays as it was', async () => {
        const { x, y } = await middle();
        const before = await scrolled();
        await move([
          { x, y },
          { x: x + 4, y: y - 150 },
        ]);
        await expect.poll(scrolled).toBeGreaterThan(before + 50);
        expect(zoomOf(page)).toBeNull();
        await page.getByText('Live', { exact: true }).waitFor();
      });

      test('a tap is no zoom', async () => {
        const { x, y } = await middle();
        const legend = page.locator('.u-legend .u-value').nth(1);
        await expect.poll(() => legend.textContent()).toMatch(/\d/);
        const newest = await legend.textContent();
        await touch('touchStart', { x, y });
        await touch('touchEnd');
        // It is read in the legend.
        await expect.poll(() => legend.textContent()).not.toBe(newest);
        expect(zoomOf(page)).toBeNull();
      });

      test('along it moves the range, two fingers pinch it', async () => {
        const { x, y } = await middle();
        await move([
          { x: x - 60, y },
          { x: x + 60, y: y + 2 },
        ]);
        await expect.poll(() => zoomOf(page)).not.toBeNull();
        const moved = zoomOf(page) ?? raise();
        expect(moved.to - moved.from).toBeCloseTo(HOUR_MS, -4);
        expect(moved.to).toBeLessThan(Date.now() - 0.1 * HOUR_MS);
        const chart = await middle();
        await move(
          [
            { x: chart.x - 20, y: chart.y },
            { x: chart.x - 90, y: chart.y },
          ],
          [
            { x: chart.x + 20, y: chart.y },
            { x: chart.x + 90, y: chart.y },
          ],
        );
        await expect.poll(() => zoomOf(page)).not.toBeNull();
        const pinched = zoomOf(page) ?? raise();
        expect(pinched.to - pinched.from).toBeLessThan(0.4 * HOUR_MS);
      });
    });
  });
});

function raise(): never {
  throw new Error('there is none');
}
