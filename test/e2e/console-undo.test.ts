import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { consoleStage } from '../support/console-stage.ts';
import { describeWithServers } from '../support/servers.ts';

/** What the console has done it says, and takes back where the API can. */
await describeWithServers(['chromium'], (servers) => {
  describe('undo in the console', () => {
    const stage = consoleStage(servers.chromium.url);
    let page: Page;
    let faults: string[];
    let deviceId: number;

    const call = (method: string, path: string, body?: unknown) => stage.api().call(method, `/api/v1${path}`, body);
    const deviceName = async () => (await call('GET', `/devices/${deviceId}`)).name;
    const toast = (text: string) => page.locator('[aria-live=polite]').getByText(text, { exact: true });
    const undo = () => page.getByRole('button', { name: 'Undo' });

    async function visit(path: string): Promise<void> {
      await page.goto(`${stage.server().httpUrl}/admin${path}`);
      await page.locator('h1').first().waitFor();
      await page.waitForLoadState('networkidle');
    }

    async function rename(name: string): Promise<void> {
      await visit(`/devices/${deviceId}`);
      await page.getByRole('button', { name: 'Edit' }).click();
      await page.getByRole('dialog').getByLabel('Name').fill(name);
      await page.getByRole('button', { name: 'Save' }).click();
      await toast('Saved.').waitFor();
      expect(await deviceName()).toBe(name);
    }

    beforeAll(async () => {
      ({ id: deviceId } = await stage
        .api()
        .registerDevice({ name: 'Pump', device_type: 'pump', device_uid: 'pump-1' }));
      ({ page, faults } = await stage.open());
    });

    test('a record gets its old values back, by keyboard, and the toast is fit for everybody', async () => {
      await rename('Pump A');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      const { violations } = await new AxeBuilder({ page }).analyze();
      expect(violations.map(({ id }) => id)).toEqual([]);
      await page.keyboard.press('Control+z');
      await toast('Undone.').waitFor();
      expect(await deviceName()).toBe('Pump');
      await page.getByRole('heading', { name: 'Pump', exact: true }).waitFor();
      await undo().waitFor({ state: 'detached' });
    });

    test('what somebody else has changed since stays', async () => {
      await rename('Pump B');
      await call('PATCH', `/devices/${deviceId}`, { name: 'Pump C' });
      await undo().click();
      await page.getByRole('alert').getByText('Somebody has changed it again since').waitFor();
      expect(await deviceName()).toBe('Pump C');
    });

    test('many are moved to a group, and all back', async () => {
      await call('POST', '/device-groups', { name: 'Cellar' });
      await stage.api().registerDevice({ name: 'Valve', device_uid: 'valve-1' });
      const groups = async () =>
        (await call('GET', '/devices')).items.map(({ group_id }: { group_id: number | null }) => group_id !== null);
      await visit('/devices');
      await page.getByRole('checkbox', { name: 'Select all rows of this page' }).check();
      await page.getByRole('button', { name: 'Move to a group' }).click();
      await page.getByRole('combobox', { name: 'Group' }).fill('cell');
      await page.getByRole('option', { name: 'Cellar' }).click();
      await page.getByRole('button', { name: 'Do it' }).click();
      await page.getByText('Valve: done').waitFor();
      expect(await groups()).toEqual([true, true]);
      await page.getByRole('dialog').getByRole('button', { name: 'Close' }).last().click();
      await toast('Move to a group: 2 of 2 done').waitFor();
      await undo().click();
      await toast('Undone.').waitFor();
      expect(await groups()).toEqual([false, false]);
    });

    test('a rule is switched off and on again; the toast waits for whoever has reached its button', async () => {
      const rule = { name: 'Too hot', metric: 'temperature', condition: 'gt', threshold: 60, severity: 'INFO' };
      const { id } = await call('POST', '/monitoring/alert-rules', { ...rule, scope: { all: true } });
      await page.clock.install();
      await visit('/rules');
      await page.getByLabel('Switch Too hot on or off').click({ force: true });
      await toast('Too hot is off, and its active alerts have ended.').waitFor();
      await undo().focus();
      await page.clock.fastForward('05:00');
      expect(await undo().count()).toBe(1);
      await page.keyboard.press('Enter');
      await toast('Undone.').waitFor();
      expect((await call('GET', `/monitoring/alert-rules/${id}`)).is_enabled).toBe(true);

      await page.getByLabel('Switch Too hot on or off').click({ force: true });
      await undo().focus();
      await page.getByRole('link', { name: 'core-api' }).focus();
      await page.clock.fastForward('00:21');
      await undo().waitFor({ state: 'detached' });
      await page.clock.resume();
    });

    test('a configuration goes back to the version before, or to none', async () => {
      const config = async () => (await call('GET', `/devices/${deviceId}/config`)).desired;
      for (const [interval, was] of [
        [5, {}],
        [9, { interval: 1 }],
      ] as const) {
        await visit(`/devices/${deviceId}?tab=config`);
        const { version } = await config();
        await page.getByRole('button', { name: 'Edit the configuration' }).click();
        await page.getByRole('textbox', { name: 'Desired configuration' }).fill(JSON.stringify({ interval }));
        await page.getByRole('button', { name: 'Save as a new version' }).click();
        await toast(`Version ${version + 1} was saved.`).waitFor();
        await undo().click();
        await toast('Undone.').waitFor();
        expect(await config()).toMatchObject({ version: version + 2, config: was });
        await call('PUT', `/devices/${deviceId}/config`, { interval: 1 });
      }
    });

    test('a roll-out that was paused goes on', async () => {
      const image = await fetch(`${stage.server().httpUrl}/api/v1/firmware?device_type=pump&version=2.0.0`, {
        method: 'POST',
        headers: { authorization: `Bearer ${stage.api().token}`, 'content-type': 'application/octet-stream' },
        body: 'an image',
      });
      const { id: firmware_id } = (await image.json()) as { id: number };
      const { id } = await call('POST', '/campaigns', {
        name: 'Pumps',
        firmware_id,
        target: { device_ids: [deviceId] },
      });
      await call('POST', `/campaigns/${id}/start`);
      const status = async () => (await call('GET', `/campaigns/${id}`)).status;
      await expect.poll(status).toBe('RUNNING');
      await visit(`/campaigns/${id}`);
      await page.getByRole('button', { name: 'Pause' }).click();
      await toast('The roll-out was paused. What devices have begun goes on.').waitFor();
      expect(await status()).toBe('PAUSED');
      await undo().click();
      await toast('Undone.').waitFor();
      expect(await status()).toBe('RUNNING');
    });

    test('a widget that was taken off a dashboard is there again, with its name and place', async () => {
      const board = {
        name: 'Board',
        layout: [
          { i: 'a', x: 0, y: 0, w: 4, h: 3 },
          { i: 'b', x: 4, y: 0, w: 4, h: 3 },
        ],
        widgets: ['a', 'b'].map((id) => ({ id, type: 'text', title: `Note ${id}`, options: { text: id } })),
      };
      const { id } = await call('POST', '/dashboards', board);
      const before = await call('GET', `/dashboards/${id}`);
      await visit(`/dashboards/${id}?edit=1`);
      await page
        .getByRole('button', { name: /Remove/ })
        .last()
        .click();
      await page.getByRole('button', { name: 'Save' }).click();
      await toast('Saved.').waitFor();
      expect((await call('GET', `/dashboards/${id}`)).widgets).toHaveLength(1);
      await undo().click();
      await toast('Undone.').waitFor();
      const { layout, widgets } = await call('GET', `/dashboards/${id}`);
      expect({ layout, widgets }).toEqual({ layout: before.layout, widgets: before.widgets });
      await page.getByText('Note b').waitFor();
    });

    test('a notification is unread again', async () => {
      await call('POST', '/notifications/broadcast', { title: 'Maintenance', message: 'Tonight.' });
      const unread = async () => (await call('GET', '/notifications/unread-count')).count;
      await expect.poll(unread).toBe(1);
      await visit('/notifications');
      await page.getByRole('checkbox', { name: 'Select Maintenance' }).check();
      await page.getByRole('button', { name: 'Mark as read' }).click();
      await page.getByRole('button', { name: 'Do it' }).click();
      await page.getByText('Maintenance: done').waitFor();
      await page.getByRole('dialog').getByRole('button', { name: 'Close' }).last().click();
      expect(await unread()).toBe(0);
      await undo().click();
      await toast('Undone.').waitFor();
      expect(await unread()).toBe(1);
    });

    test('nobody takes back what another user has done', async () => {
      await rename('Pump D');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      await page.getByRole('button', { name: 'Account' }).click();
      await page.getByRole('menuitem', { name: 'Sign out' }).click();
      await page.locator('input[type=email]').waitFor();
      await undo().waitFor({ state: 'detached' });
      expect(faults).toEqual([]);
    });
  });
});
