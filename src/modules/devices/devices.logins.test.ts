import { afterEach, beforeEach, expect, test } from 'vitest';
import { commonErrors } from '#kernel/errors.ts';
import type { MqttAccounts } from '#platform/mqtt/mqtt.port.ts';
import { createDevicesHarness, type DevicesHarness } from '#test/support/devices.ts';

/** A broker's accounts in memory, which can be away. */
class Accounts implements MqttAccounts {
  readonly secrets = new Map<string, string>();
  away = false;
  #answer(): void {
    if (this.away) throw commonErrors.unavailable();
  }
  async set(deviceUid: string, secret: string): Promise<void> {
    this.#answer();
    this.secrets.set(deviceUid, secret);
  }
  async remove(deviceUid: string): Promise<void> {
    this.#answer();
    this.secrets.delete(deviceUid);
  }
  async list(): Promise<ReadonlySet<string>> {
    this.#answer();
    return new Set(this.secrets.keys());
  }
}

let h: DevicesHarness;
let accounts: Accounts;
beforeEach(async () => {
  accounts = new Accounts();
  h = await createDevicesHarness('owned', accounts);
});
afterEach(() => h.close());

const call = (method: 'POST' | 'DELETE' | 'GET', url: string, body?: unknown) =>
  h.app.request({ method, url: `/api/v1/devices${url}`, as: h.actors.ADMIN, ...(body === undefined ? {} : { body }) });
const create = (device_uid: string) => call('POST', '', { name: 'n', device_type: 't', device_uid });

test('the broker knows a secret before its owner does', async () => {
  const { id, credentials } = (await create('pump')).json();
  expect(accounts.secrets.get('pump')).toBe(credentials.password);
  const rotated = (await call('POST', `/${id}/credentials`)).json();
  expect(accounts.secrets.get('pump')).toBe(rotated.credentials.password);
  expect(rotated.credentials.password).not.toBe(credentials.password);
  expect((await call('DELETE', `/${id}`)).status).toBe(204);
  expect(accounts.secrets.size).toBe(0);
});

test('while the broker is away nothing changes: no device, the old secret, no deletion', async () => {
  const { id, credentials } = (await create('pump')).json();
  const before = h.events.length;
  accounts.away = true;
  expect((await create('other')).status).toBe(503);
  expect((await call('POST', `/${id}/credentials`)).status).toBe(503);
  expect((await call('DELETE', `/${id}`)).status).toBe(503);
  expect((await call('GET', '')).json().items).toHaveLength(1);
  expect(await h.api.authenticate('pump', credentials.password)).toMatchObject({ deviceUid: 'pump' });
  expect(h.events).toHaveLength(before);
  accounts.away = false;
  expect((await create('other')).status).toBe(201);
});

test('import: rows whose login the broker did not take are no devices', async () => {
  const rows = ['a', 'b'].map((device_uid) => ({ name: 'n', device_type: 't', device_uid }));
  accounts.away = true;
  const failed = await call('POST', '/import', rows);
  expect(JSON.stringify(failed.json())).toContain('was not stored');
  expect((await call('GET', '')).json().total).toBe(0);
  accounts.away = false;
  await call('POST', '/import', rows);
  expect([...accounts.secrets.keys()].toSorted()).toEqual(['a', 'b']);
});

test('rotations at the same time end with one secret, here and there', async () => {
  const { id } = (await create('pump')).json();
  const answers = await Promise.all(Array.from({ length: 5 }, () => call('POST', `/${id}/credentials`)));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  const secret = accounts.secrets.get('pump') ?? '';
  expect(await h.api.authenticate('pump', secret)).not.toBeNull();
});

test('reconciling removes accounts of nobody and reports devices without one', async () => {
  await create('pump');
  await create('lost');
  accounts.secrets.delete('lost');
  accounts.secrets.set('stray', 'x');
  expect(await h.reconcileAccounts()).toEqual({ removed: 1, missing: ['lost'] });
  expect([...accounts.secrets.keys()]).toEqual(['pump']);
});
