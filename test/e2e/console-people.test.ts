import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiClient, signInAsSuperuser } from '../support/api-client.ts';
import { type ConsoleBrowser, consoleIn } from '../support/console.ts';
import { temporaryFolder } from '../support/folders.ts';
import { freePort, type ServerProcess, startServer } from '../support/server-process.ts';
import { describeWithServers } from '../support/servers.ts';

const MANAGER = { email: 'mina@example.com', password: 'correct horse battery', full_name: 'Mina Park' };
const OWNER = { email: 'owner@example.com', password: 'correct horse battery', full_name: 'Uma Lee' };

/** Whoever manages devices chooses people by their names, and sees who did what. */
await describeWithServers(['chromium'], (servers) => {
  describe('people in the console, to a MANAGER', () => {
    const folder = temporaryFolder();
    let server: ServerProcess;
    let api: ApiClient;
    let browser: Browser;
    let consoles: ConsoleBrowser;
    let page: Page;
    let faults: string[];
    let ownerId: number;

    beforeAll(async () => {
      const settings = {
        DATA_DIR: folder.path,
        HTTP_PORT: String(await freePort()),
        MQTT_PORT: String(await freePort()),
      };
      server = await startServer(settings);
      api = await signInAsSuperuser(server, settings);
      await api.call('POST', '/api/v1/users', { ...MANAGER, role: 'MANAGER' });
      ownerId = (await api.call('POST', '/api/v1/users', { ...OWNER, role: 'USER' })).id;
      await api.call('POST', '/api/v1/device-groups', { name: 'Greenhouses', description: 'All of glass' });
      const { uid, secret } = await api.registerDevice({ name: 'Greenhouse 1', device_uid: 'greenhouse-01' });
      await api.registerDevice({ name: 'Greenhouse 2', device_uid: 'greenhouse-02' });
      const rule = { name: 'Too hot', metric: 'temperature', condition: 'gt', threshold: 30, severity: 'CRITICAL' };
      await api.call('POST', '/api/v1/monitoring/alert-rules', { ...rule, scope: { all: true } });
      await fetch(`${server.httpUrl}/api/v1/ingest/telemetry`, {
        method: 'POST',
        headers: {
          authorization: `Basic ${Buffer.from(`${uid}:${secret}`).toString('base64')}`,
          'content-type': 'application/json',
        },
        body: '{"temperature": 35}',
      });
      browser = await chromium.connectOverCDP(servers.chromium.url);
      consoles = consoleIn(browser, () => server.httpUrl);
      ({ page, faults } = await consoles.open());
      await consoles.signIn(page, '/', MANAGER);
    });
    afterAll(async () => {
      await consoles?.close();
      await browser?.close();
      await server?.end('SIGKILL');
      folder.remove();
    });

    const deviceNamed = async (name: string) =>
      (await api.call('GET', `/api/v1/devices?q=${encodeURIComponent(name)}`)).items[0];

    /** Types into a picker and takes what it finds. */
    async function choose(name: string, text: string, found: string): Promise<void> {
      await page.getByRole('combobox', { name }).fill(text);
      await page.getByRole('option', { name: found }).click();
    }

    test('a device gets an owner, who is found by name', async () => {
      const { id } = await deviceNamed('Greenhouse 1');
      await consoles.visit(page, `/devices/${id}`);
      await page.getByRole('button', { name: 'Edit' }).click();
      await choose('Owner', 'uma', 'Uma Lee');
      await page.getByRole('button', { name: 'Save' }).click();
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      await page.getByRole('cell', { name: 'Uma Lee' }).waitFor();
      expect((await deviceNamed('Greenhouse 1')).owner_id).toBe(ownerId);
    });

    test('the list is filtered by an owner, in a chip and in the address', async () => {
      await consoles.visit(page, '/devices');
      await page.getByRole('button', { name: 'Owner' }).click();
      await choose('Owner', 'owner@', 'Uma Lee');
      await page.getByText('Owner: Uma Lee').waitFor();
      await expect.poll(() => page.url()).toContain(`owner_id=${ownerId}`);
      await expect.poll(() => page.getByRole('row').count()).toBe(2);
      await page.keyboard.press('Escape');
      await page.keyboard.press('Escape');
      await page.reload();
      await page.getByText('Owner: Uma Lee').waitFor();
      await page.getByRole('button', { name: 'Remove the filter Owner' }).click();
      await expect.poll(() => page.getByRole('row').count()).toBe(3);
    });

    test('many devices get a group at once: which, and what became of each', async () => {
      await consoles.visit(page, '/devices');
      await page.getByRole('checkbox', { name: 'Select all rows of this page' }).check();
      await page.getByRole('button', { name: 'Move to a group' }).click();
      const dialog = page.getByRole('dialog', { name: 'Move to a group: 2 records?' });
      expect(await dialog.getByRole('listitem').allTextContents()).toEqual(['Greenhouse 2', 'Greenhouse 1']);
      await choose('Group', 'green', 'Greenhouses');
      await dialog.getByRole('button', { name: 'Do it' }).click();
      await dialog.getByText('Greenhouse 1: done').waitFor();
      await dialog.getByRole('button', { name: 'Close' }).last().click();
      await expect.poll(() => page.getByRole('cell', { name: 'Greenhouses' }).count()).toBe(2);
    });

    test('a group shows its devices and takes more of them', async () => {
      await api.registerDevice({ name: 'Greenhouse 3', device_uid: 'greenhouse-03' });
      await consoles.visit(page, '/groups');
      await page.getByRole('button', { name: 'Greenhouses' }).click();
      await page.getByRole('dialog').getByText('2 devices').waitFor();
      await choose('Add devices', 'house 3', 'Greenhouse 3');
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').getByRole('button', { name: 'Add', exact: true }).click();
      await page.getByRole('dialog').getByText('3 devices').waitFor();
    });

    test('an alert is given to somebody, and then to the owner of its device', async () => {
      const alerts = async () => (await api.call('GET', '/api/v1/monitoring/alerts')).items;
      await expect.poll(async () => (await alerts()).length).toBe(1);
      const [{ id: alertId }] = await alerts();
      await consoles.visit(page, `/alerts?alert=${alertId}`);
      const assignee = async () => (await api.call('GET', `/api/v1/monitoring/alerts/${alertId}`)).assigned_to;
      await choose('Give it to', 'mina', 'Mina Park');
      await page.getByText('Taken care of by: you').waitFor();
      await page.getByRole('button', { name: 'Assign to Uma Lee, the owner' }).click();
      await page.getByText('Taken care of by: Uma Lee').waitFor();
      expect(await assignee()).toBe(ownerId);
      expect(faults).toEqual([]);
    });
  });
});
