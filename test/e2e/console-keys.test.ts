import { readFile } from 'node:fs/promises';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type ApiClient, signInAsSuperuser } from '../support/api-client.ts';
import { type ConsoleBrowser, consoleIn } from '../support/console.ts';
import { temporaryFolder } from '../support/folders.ts';
import { freePort, type ServerProcess, startServer } from '../support/server-process.ts';
import { describeWithServers } from '../support/servers.ts';

const USER = { email: 'uma@example.com', password: 'correct horse battery' };

/** Whoever works with the console all day: by keyboard, with lists of one's own, and without losing anything. */
await describeWithServers(['chromium'], (servers) => {
  describe('the console by keyboard', () => {
    const folder = temporaryFolder();
    let server: ServerProcess;
    let api: ApiClient;
    let browser: Browser;
    let consoles: ConsoleBrowser;
    let page: Page;
    let faults: string[];
    const ids: Record<string, number> = {};

    beforeAll(async () => {
      const settings = {
        DATA_DIR: folder.path,
        HTTP_PORT: String(await freePort()),
        MQTT_PORT: String(await freePort()),
      };
      server = await startServer(settings);
      api = await signInAsSuperuser(server, settings);
      await api.call('POST', '/api/v1/users', { ...USER, role: 'USER' });
      for (const [name, device_type] of [
        ['Pump 1', 'pump'],
        ['Pump 2', 'pump'],
        ['Kettle', 'kettle'],
      ] as const) {
        const device_uid = name.toLowerCase().replace(' ', '-');
        ids[name] = (await api.registerDevice({ name, device_uid, device_type })).id;
      }
      browser = await chromium.connectOverCDP(servers.chromium.url);
      consoles = consoleIn(browser, () => server.httpUrl);
      ({ page, faults } = await consoles.open());
      await consoles.signIn(page);
    });
    afterAll(async () => {
      await consoles?.close();
      await browser?.close();
      await server?.end('SIGKILL');
      folder.remove();
    });

    const press = (...keys: readonly string[]) =>
      keys.reduce((before, key) => before.then(() => page.keyboard.press(key)), Promise.resolve());
    /** What has the focus, as a screen reader names it. */
    const focused = () =>
      page.evaluate<string>(
        `(() => { const it = document.activeElement; return it.getAttribute('aria-label') ?? it.labels?.[0]?.textContent ?? it.textContent; })()`,
      );
    const at = () => new URL(page.url()).pathname.replace('/admin', '');

    describe('getting around', () => {
      beforeEach(() => consoles.visit(page, '/devices'));

      test('the first key leads past the header and the pages, and the next one into the page', async () => {
        await press('Tab');
        expect(await focused()).toBe('Skip to the content');
        await press('Enter', 'Tab');
        expect(await focused()).toBe('Import');
      });

      test('from page to page the keys go on from where the page begins', async () => {
        await page.getByRole('navigation').getByRole('link', { name: 'Groups' }).press('Enter');
        await page.getByRole('heading', { name: 'Groups', level: 1 }).waitFor();
        await press('Tab');
        expect(await focused()).toBe('Add a group');
      });

      test('Ctrl-K finds a device, from within a field too; Enter does not wait for the answer', async () => {
        await page.getByRole('searchbox', { name: 'Search' }).focus();
        await press('Control+k');
        await page.getByRole('textbox', { name: 'Search or jump to…' }).fill('pump-2');
        await press('Enter');
        await page.getByRole('heading', { name: 'Pump 2', level: 1 }).waitFor();
        expect(at()).toBe(`/devices/${ids['Pump 2']}`);
      });

      test('it finds pages and actions; a slash opens it as well', async () => {
        await press('/');
        await page.getByRole('textbox', { name: 'Search or jump to…' }).fill('audit');
        await press('Enter');
        await page.getByRole('heading', { name: 'Audit trail', level: 1 }).waitFor();
        await press('Control+k');
        await page.getByRole('textbox', { name: 'Search or jump to…' }).fill('add a user');
        await page.getByRole('dialog').getByRole('button', { name: 'Add a user' }).waitFor();
        await press('Enter');
        await page.getByRole('dialog', { name: 'Add a user' }).waitFor();
        await expect.poll(focused).toContain('E-mail');
        await press('Escape');
        await page.getByRole('dialog').waitFor({ state: 'detached' });
      });

      test('the focus is back when a dialog has closed, also one that an item of a menu has opened', async () => {
        await page.getByRole('button', { name: 'Register a device' }).press('Enter');
        await expect.poll(focused).toContain('Name');
        await press('Escape');
        await expect.poll(focused).toBe('Register a device');
        await consoles.visit(page, `/devices/${ids['Kettle']}`);
        await page.getByRole('button', { name: 'Actions' }).press('Enter');
        await page.getByRole('menuitem', { name: 'New secret' }).press('Enter');
        await page.getByRole('dialog').waitFor();
        await press('Escape');
        await expect.poll(focused).toBe('Actions');
      });
    });

    describe('forms', () => {
      test('say at the field what the API minds, and lead there', async () => {
        await consoles.visit(page, '/users?dialog=new');
        const form = page.getByRole('dialog', { name: 'Add a user' });
        await form.getByLabel('E-mail').fill(USER.email);
        await form.getByRole('textbox', { name: 'Password' }).fill('short');
        await form.getByRole('button', { name: 'Save' }).click();
        await form.getByText('must have 8 characters or more').waitFor();
        await expect.poll(focused).toContain('Password');
        await form.getByRole('textbox', { name: 'Password' }).fill('correct horse battery');
        await form.getByRole('button', { name: 'Save' }).click();
        await form.getByText('Another user has this e-mail address.').waitFor();
        await expect.poll(focused).toContain('E-mail');
        expect(await form.getByRole('alert').count()).toBe(0);
        await press('Escape');
        await page.getByRole('button', { name: 'Discard changes' }).click();
      });

      test.each(['Escape', 'back'])('ask before anything is lost: %s', async (how) => {
        await consoles.visit(page, '/devices');
        await page.getByRole('button', { name: 'Register a device' }).click();
        const form = page.getByRole('dialog', { name: 'Register a device' });
        await form.getByLabel('Name').fill('Half a name');
        const leave = () => (how === 'back' ? page.goBack() : press('Escape'));
        await leave();
        await page.getByRole('button', { name: 'Go on editing' }).click();
        expect(await form.getByLabel('Name').inputValue()).toBe('Half a name');
        await leave();
        await page.getByRole('button', { name: 'Discard changes' }).click();
        await form.waitFor({ state: 'detached' });
      });

      test('nor does another page, or a reload, take a rule that is not saved', async () => {
        await consoles.visit(page, '/rules/new');
        await page.getByRole('textbox', { name: 'Name' }).fill('Not yet');
        await page.getByRole('navigation').getByRole('link', { name: 'Groups' }).click();
        await page.getByRole('button', { name: 'Go on editing' }).click();
        expect(at()).toBe('/rules/new');
        let asked = '';
        page.once('dialog', (dialog) => {
          asked = dialog.type();
          void dialog.accept();
        });
        await page.reload();
        expect(asked).toBe('beforeunload');
        expect(await page.getByRole('textbox', { name: 'Name' }).inputValue()).toBe('');
      });
    });

    describe('lists', () => {
      test('filters, order and columns are in the address, are kept under a name, and make the CSV', async () => {
        await consoles.visit(page, '/devices');
        await page.getByRole('button', { name: 'Type' }).first().press('Enter');
        await page.getByRole('textbox', { name: 'Type' }).fill('pump');
        await press('Enter', 'Escape');
        await page.getByText('Type: pump').waitFor();
        await page.getByRole('columnheader', { name: 'Name' }).getByRole('button').press('Enter');
        await page.getByRole('button', { name: 'Columns' }).press('Enter');
        await page.getByRole('checkbox', { name: 'Last seen' }).press('Space');
        await press('Escape');
        await expect.poll(() => page.getByRole('columnheader', { name: 'Last seen' }).count()).toBe(0);
        const { searchParams } = new URL(page.url());
        expect([searchParams.get('device_type'), searchParams.get('sort')]).toEqual(['pump', 'name']);

        await page.getByRole('button', { name: 'Views' }).press('Enter');
        await page.getByRole('textbox', { name: 'Name of the view' }).fill('Pumps');
        await press('Enter', 'Escape');
        const download = page.waitForEvent('download');
        await page.getByRole('button', { name: 'CSV of this list' }).click();
        const lines = (await readFile(await (await download).path(), 'utf8')).trim().split('\r\n');
        expect(lines.map((line) => line.split(',')[0])).toEqual(['name', 'Pump 1', 'Pump 2']);
        expect(lines[0]).not.toContain('last_seen_at');

        await consoles.visit(page, '/devices');
        expect(await page.getByRole('row').count()).toBe(4);
        await page.getByRole('button', { name: 'Views' }).press('Enter');
        await page.getByRole('button', { name: 'Pumps', exact: true }).press('Enter');
        await expect.poll(() => page.getByRole('row').count()).toBe(3);
        await page.getByText('Type: pump').waitFor();
        // A browser notes every refusal of a form.
        expect(faults.filter((fault) => !fault.includes('status of 4'))).toEqual([]);
      });
    });

    test('a page that a role has not is not there', async () => {
      const { page: other } = await consoles.open();
      await consoles.signIn(other, '/users', USER);
      await other.getByRole('heading', { name: 'There is nothing here' }).waitFor();
    });
  });
});
