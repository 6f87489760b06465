import { afterEach, beforeEach, expect, test } from 'vitest';
import { defined } from '#kernel/defined.ts';
import { commonErrors } from '#kernel/errors.ts';
import type { MqttAccounts } from '#platform/mqtt/mqtt.port.ts';
import { createDevicesHarness, type DevicesHarness } from '#test/support/devices.ts';

/** A broker's accounts in memory, which can be away. */
class Accounts implements MqttAccounts {
  readonly secrets = new Map<string, string>();
  readonly marks = new Map<string, string>();
  away = false;
  #answer(): void {
    if (this.away) throw commonErrors.unavailable();
  }
  async set(deviceUid: string, secret: string, mark: string): Promise<void> {
    this.#answer();
    this.secrets.set(deviceUid, secret);
    this.marks.set(deviceUid, mark);
  }
  async remove(deviceUid: string, onlyOf?: string): Promise<boolean> {
    this.#answer();
    if (onlyOf !== undefined && this.marks.get(deviceUid) !== onlyOf) return false;
    this.marks.delete(deviceUid);
    return this.secrets.delete(deviceUid);
  }
  async list(): Promise<ReadonlyMap<string, string | null>> {
    this.#answer();
    return new Map([...this.secrets.keys()].map((uid) => [uid, this.marks.get(uid) ?? null]));
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
  h.app.request({ method, url: `/api/v1/devices${url}`, as: h.actors.ADMIN, ...defined({ body }) });
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
  expect(await h.reconcileAccounts()).toEqual({ removed: 1, outdated: [], missing: ['lost'] });
  expect([...accounts.secrets.keys()]).toEqual(['pump']);
});

test('a rotation that was cut off after its commit leaves the old secret good for nothing', async () => {
  const { id } = (await create('pump')).json();
  await create('other');
  const [secret = '', mark = ''] = [accounts.secrets.get('pump'), accounts.marks.get('pump')];
  await call('POST', `/${id}/credentials`);
  const rotated = accounts.marks.get('pump');
  // What the broker has when the process dies before it is told.
  accounts.secrets.set('pump', secret);
  accounts.marks.set('pump', mark);
  expect(rotated).not.toBe(mark);
  expect(await h.reconcileAccounts()).toEqual({ removed: 0, outdated: ['pump'], missing: [] });
  expect([...accounts.secrets.keys()]).toEqual(['other']);
  expect(await h.reconcileAccounts()).toEqual({ removed: 0, outdated: [], missing: ['pump'] });
  const { credentials } = (await call('POST', `/${id}/credentials`)).json();
  expect(accounts.secrets.get('pump')).toBe(credentials.password);
  expect(await h.reconcileAccounts()).toEqual({ removed: 0, outdated: [], missing: [] });
});

test('reconciling leaves accounts alone that do not say which secret they have', async () => {
  await create('pump');
  accounts.marks.delete('pump');
  accounts.secrets.set('pump', 'of an earlier version');
  expect(await h.reconcileAccounts()).toEqual({ removed: 0, outdated: [], missing: [] });
  expect(accounts.secrets.get('pump')).toBe('of an earlier version');
});

test('reconciling while secrets are rotated ends no login', async () => {
  const { id } = (await create('pump')).json();
  for (let round = 0; round < 10; round += 1) {
    const [rotated] = await Promise.all([call('POST', `/${id}/credentials`), h.reconcileAccounts()]);
    expect(accounts.secrets.get('pump')).toBe(rotated.json().credentials.password);
  }
});
