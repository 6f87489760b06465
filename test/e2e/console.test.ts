import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { CONSOLE_PAGES } from '../support/console-pages.ts';
import { consoleStage } from '../support/console-stage.ts';
import { describeWithServers } from '../support/servers.ts';

/** Whatever people and devices call things, it is text. */
const STRANGE_NAMES = ['<script>alert(1)</script>', '\u202egnp.exe', 'x'.repeat(100)];

/** The console as people use it, in a browser, with the real process. */
await describeWithServers(['chromium'], (servers) => {
  describe('the console', () => {
    const stage = consoleStage(servers.chromium.url);

    beforeAll(async () => {
      const api = stage.api();
      const first = await api.registerDevice({ name: 'Greenhouse 1', device_uid: 'greenhouse-01' });
      for (const name of STRANGE_NAMES) await api.registerDevice({ name, metadata: { note: name } });
      await stage.publish(first, 'telemetry', { temperature: 21.4, door_open: false });
    });

    test('a device is registered, waits for its first message, and shows it when it comes', async () => {
      const { page, faults } = await stage.open('/devices');
      await page.getByRole('button', { name: 'Register a device' }).first().click();
      const form = page.getByRole('dialog');
      await form.getByLabel('Name').fill('Pump');
      await form.getByLabel('Type').fill('pump');
      await form.getByLabel('UID').fill('pump-1');
      await form.getByRole('button', { name: 'Register a device' }).click();
      await page.getByRole('heading', { name: 'Pump', level: 1 }).waitFor();
      const snippet =
        (await page
          .getByText(/mosquitto_pub -h/)
          .first()
          .textContent()) ?? '';
      const secret = /-P ['"]?([\w-]{20,})/.exec(snippet.replaceAll('\\\n', ' '))?.[1] ?? '';
      expect(secret).not.toBe('');
      expect(snippet).toContain(`-h '127.0.0.1' -p ${stage.server().mqttPort} `);
      await stage.publish({ uid: 'pump-1', secret }, 'telemetry', { pressure: 2.5 });
      await page.getByText('pressure').first().waitFor();
      await page.getByText('Received ✓').waitFor();
      expect(faults).toEqual([]);
    });

    test('a file with two bad lines: each is named beforehand, the others become devices', async () => {
      const { page, faults } = await stage.open('/devices');
      await page.getByRole('button', { name: 'Import' }).click();
      const dialog = page.getByRole('dialog');
      const lines = [
        'name,device_type,device_uid',
        'One,pump,csv-1',
        'Two,pump,csv-1',
        ',pump,csv-3',
        'Four,pump,csv-4',
      ];
      await dialog
        .locator('input[type=file]')
        .setInputFiles({ name: 'devices.csv', mimeType: 'text/csv', buffer: Buffer.from(lines.join('\n')) });
      await dialog.getByText('2 rows would become devices · 2 rows would not').waitFor();
      await dialog.getByText('is also that of row 1').waitFor();
      await dialog.getByRole('button', { name: 'Import 2 devices' }).click();
      await dialog.getByText('2 devices were registered.').waitFor();
      const download = page.waitForEvent('download');
      await dialog.getByRole('button', { name: 'Their secrets, as CSV' }).click();
      expect((await download).suggestedFilename()).toBe('secrets.csv');
      await dialog.getByRole('button', { name: 'Close' }).last().click();
      await page.getByText('csv-4').first().waitFor();
      expect(faults).toEqual([]);
    });

    test('is the same after a reload, and in a second tab; signing out ends both', async () => {
      const { page } = await stage.open();
      await page.reload();
      await page.getByRole('navigation').waitFor();
      const second = await page.context().newPage();
      await second.goto(`${stage.server().httpUrl}/admin/devices`);
      await second.getByText('greenhouse-01').waitFor();
      await page.getByRole('button', { name: 'Account' }).click();
      await page.getByRole('menuitem', { name: 'Sign out' }).click();
      for (const each of [page, second]) await each.locator('input[type=email]').waitFor();
    });

    test('speaks Korean to a Korean browser, and English when somebody chooses it', async () => {
      const { page } = await stage.open('/devices', { locale: 'ko-KR' });
      await page.getByRole('heading', { name: '디바이스', level: 1 }).waitFor();
      expect(await page.locator('html').getAttribute('lang')).toBe('ko');
      await page.getByRole('button', { name: '계정' }).click();
      await page.getByText('English').click();
      await page.getByRole('heading', { name: 'Devices', level: 1 }).waitFor();
    });

    test('shows a USER its own devices and no more', async () => {
      const user = { email: 'user@example.com', password: 'correct horse battery' };
      const { id } = await stage.api().call('POST', '/api/v1/users', { ...user, role: 'USER' });
      await stage.api().registerDevice({ name: 'Mine', device_uid: 'mine-1', owner_id: id });
      const { page, faults } = await stage.open('/devices', { as: user });
      await page.getByText('mine-1').waitFor();
      expect(await page.getByText('greenhouse-01').count()).toBe(0);
      const places = await page.getByRole('navigation').getByRole('link').allTextContents();
      expect(places).not.toContain('Users');
      expect(places).not.toContain('Firmware');
      expect(faults).toEqual([]);
    });

    test('says that it reconnects while the server is away, and comes back by itself', async () => {
      const { page } = await stage.open('/devices/1');
      await page.getByRole('heading', { name: 'Greenhouse 1' }).waitFor();
      await stage.kill();
      await page.getByRole('status').filter({ hasText: 'Reconnecting' }).waitFor();
      await stage.start();
      await page
        .getByRole('status')
        .filter({ hasText: 'Reconnecting' })
        .waitFor({ state: 'detached', timeout: 60_000 });
      await page.getByRole('heading', { name: 'Greenhouse 1' }).waitFor();
    });

    test('is sent the telemetry of a device while it shows the device, and of no other page', async () => {
      const device = await stage.api().registerDevice({ name: 'Meter', device_uid: 'meter-1' });
      const { page } = await stage.open();
      const values: unknown[] = [];
      page.on('websocket', (socket) =>
        socket.on('framereceived', ({ payload }) => {
          const value = /"metrics":\{"kwh":(\d+)\}/.exec(String(payload))?.[1];
          if (value !== undefined) values.push(Number(value));
        }),
      );
      // Loaded anew, so that its connection is listened to from the beginning.
      await stage.visit(page, '/');
      await stage.publish(device, 'telemetry', { kwh: 1 });
      await page.getByRole('navigation').getByRole('link', { name: 'Devices' }).click();
      await stage.publish(device, 'telemetry', { kwh: 2 });
      await page.getByRole('link', { name: 'Meter' }).click();
      await page.getByText('kwh').first().waitFor();
      await expect
        .poll(async () => {
          await stage.publish(device, 'telemetry', { kwh: 3 });
          return values;
        })
        .toContain(3);
      await page.getByRole('navigation').getByRole('link', { name: 'Devices' }).click();
      await page.getByRole('link', { name: 'Meter' }).waitFor();
      await stage.publish(device, 'telemetry', { kwh: 4 });
      await page.getByRole('link', { name: 'Meter' }).click();
      await expect
        .poll(async () => {
          await stage.publish(device, 'telemetry', { kwh: 5 });
          return values;
        })
        .toContain(5);
      expect([...new Set(values)]).toEqual([3, 5]);
    });

    test('shows what a device has sent while another page was looked at', async () => {
      const device = await stage.api().registerDevice({ name: 'Scale', device_uid: 'scale-1' });
      await stage.publish(device, 'telemetry', { grams: 111 });
      const { page } = await stage.open(`/devices/${device.id}`);
      const latest = page.getByRole('region', { name: 'Latest values' });
      await latest.getByText('111').waitFor();
      // Back within the seconds for which an answer is good elsewhere.
      await page.getByRole('navigation').getByRole('link', { name: 'Devices' }).click();
      await page.getByRole('link', { name: 'Scale' }).waitFor();
      await stage.publish(device, 'telemetry', { grams: 222 });
      await page.getByRole('link', { name: 'Scale' }).click();
      await latest.getByText('222').waitFor();
    });

    describe.each([
      ['light', 1280],
      ['dark', 390],
    ] as const)('every page, %s, %s pixels wide', (colorScheme, width) => {
      let page: Page;
      let faults: string[];
      beforeAll(async () => {
        ({ page, faults } = await stage.open('/', { colorScheme, viewport: { width, height: 800 } }));
      });

      test.each([...CONSOLE_PAGES, '/explore?devices=1&metrics=temperature'])(
        '%s: nothing on the console, nothing beyond the edge, nothing that axe minds',
        async (path) => {
          faults.length = 0;
          await stage.visit(page, path);
          expect(faults).toEqual([]);
          const beyond = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
          expect(beyond).toBeLessThanOrEqual(0);
          const { violations } = await new AxeBuilder({ page }).analyze();
          expect(
            violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' | ')}`),
          ).toEqual([]);
        },
      );
    });
  });
});
