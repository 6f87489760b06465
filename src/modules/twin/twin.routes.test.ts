import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { auditedOn } from '#test/support/audit.ts';
import type { TestRequest } from '#test/support/http.ts';
import { createTwinHarness, type TwinHarness } from '#test/support/twin.ts';

let h: TwinHarness;
// biome-ignore lint/suspicious/noExplicitAny: the answer of POST /devices
let device: any;
beforeAll(async () => {
  h = await createTwinHarness();
});
beforeEach(async () => {
  device = await h.devices.device({ owner_id: h.devices.actors.USER.userId });
});
afterAll(() => h.close());

type Options = Omit<TestRequest, 'url' | 'method'>;
const call = (method: 'GET' | 'PUT' | 'PATCH' | 'POST', path: string, options: Options = {}) =>
  h.app.request({ method, url: `/api/v1${path}`, as: h.devices.actors.USER, ...options });
const own = (method: 'GET' | 'PUT' | 'PATCH' | 'POST', path = '', options: Options = {}) =>
  call(method, `/devices/${device.id}/config${path}`, options);
const shown = async () => (await own('GET')).json();
const as = () => h.devices.actors.MANAGER;

async function group(name: string): Promise<number> {
  const body = { name: `${name} ${device.id}` };
  return (await h.devices.app.request({ method: 'POST', url: '/api/v1/device-groups', as: as(), body })).json().id;
}

async function moveTo(group_id: number | null): Promise<void> {
  const url = `/api/v1/devices/${device.id}`;
  const { status } = await h.devices.app.request({ method: 'PATCH', url, as: as(), body: { group_id } });
  expect(status).toBe(200);
}

async function defaults(groupId: number, config: object): Promise<void> {
  const answer = await call('PUT', `/device-groups/${groupId}/config`, { as: as(), body: config });
  expect(answer.status, answer.text).toBe(200);
  await h.jobs.runUntilIdle();
}

/** Whether the list of devices has it under this filter. */
async function isListed(in_sync: boolean): Promise<boolean> {
  const query = { in_sync, size: 100, sort: '-id' };
  const { items } = (await h.devices.app.request({ url: '/api/v1/devices', as: as(), query })).json();
  return items.some(({ id }: { id: number }) => id === device.id);
}

describe('the configuration of a device', () => {
  test('is empty at first, replaced by PUT and changed by PATCH, one version more each time', async () => {
    expect(await shown()).toEqual({
      desired: { version: 0, config: {}, updated_at: null, updated_by: null },
      effective: {},
      reported: { version: null, config: null, error: null, reported_at: null },
      delta: {},
      defaults_applied: true,
      in_sync: true,
    });
    expect(await h.payloadOf(device.device_uid)).toBeNull();
    const put = await own('PUT', '', { body: { a: { b: 1, c: 2 }, list: [1, 2] } });
    expect([put.status, put.headers['etag'], put.json().desired.version]).toEqual([200, '"1"', 1]);
    const patched = await own('PATCH', '', { body: { a: { c: null, d: 3 }, list: [2] } });
    expect(patched.json()).toMatchObject({
      desired: { version: 2, config: { a: { b: 1, d: 3 }, list: [2] }, updated_by: h.devices.actors.USER.userId },
      delta: { a: { b: 1, d: 3 }, list: [2] },
      in_sync: false,
    });
    // One that says the same is no change.
    expect((await own('PATCH', '', { body: { a: { b: 1 } } })).json().desired.version).toBe(2);
    const { version, config } = (await h.payloadOf(device.device_uid)) ?? {};
    expect([version, config]).toEqual([2, { a: { b: 1, d: 3 }, list: [2] }]);
    await expect
      .poll(() => h.broker.retained.at(-1))
      .toEqual([
        `${device.device_uid} config`,
        JSON.stringify({ version: 2, config: { a: { b: 1, d: 3 }, list: [2] } }),
      ]);
  });

  test('If-Match is checked when it is sent: 412 with the version that there is, and nothing is changed', async () => {
    await own('PUT', '', { body: { a: 1 }, headers: { 'if-match': '"0"' } });
    const stale = await own('PUT', '', { body: { a: 2 }, headers: { 'if-match': '"0"' } });
    expect([stale.status, stale.json().code]).toEqual([412, 'precondition_failed']);
    expect(stale.json().detail).toContain('version 1');
    expect((await shown()).desired).toMatchObject({ version: 1, config: { a: 1 } });
    expect((await own('PATCH', '', { body: { a: 2 }, headers: { 'if-match': '*' } })).status).toBe(200);
    const odd = await own('PUT', '', { body: {}, headers: { 'if-match': 'newest' } });
    expect([odd.status, odd.json().errors[0].path]).toEqual([422, '/headers/if-match']);
  });

  test('of two changes of one version at the same time, one counts', async () => {
    const headers = { 'if-match': '"0"' };
    const answers = await Promise.all(
      Array.from({ length: 5 }, (_, value) => own('PUT', '', { body: { value }, headers })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412, 412, 412, 412]);
    expect((await shown()).desired.version).toBe(1);
  });

  test('what it reports is kept, and compared with what it is to have', async () => {
    await own('PUT', '', { body: { a: 1, b: { c: [1, 2] } } });
    expect(await h.report(device.id, { status: 'ONLINE', config_version: 1, config: { a: 1, b: { c: [1] } } })).toBe(
      'stored',
    );
    expect(await shown()).toMatchObject({
      reported: { version: 1, config: { a: 1, b: { c: [1] } }, error: null },
      delta: { b: { c: [1, 2] } },
      in_sync: false,
    });
    expect(await h.report(device.id, { config_version: 1, config: { a: 1, b: { c: [1, 2] }, more: true } })).toBe(
      'stored',
    );
    expect(await shown()).toMatchObject({ delta: {}, in_sync: true });
    // One that only names the version has what that version says.
    await own('PATCH', '', { body: { a: 2 } });
    expect(await shown()).toMatchObject({ delta: { a: 2 }, in_sync: false });
    expect([await isListed(false), await isListed(true)]).toEqual([true, false]);
    await h.report(device.id, { config_version: 2 });
    expect(await shown()).toMatchObject({ reported: { version: 2 }, delta: {}, in_sync: true });
    expect([await isListed(false), await isListed(true)]).toEqual([false, true]);
    await h.report(device.id, { config_version: 2, config_error: 'a is out of range' });
    expect(await shown()).toMatchObject({ reported: { error: 'a is out of range' }, in_sync: false });
  });

  test('a status without a word about it has nothing to do with it, and garbage is refused', async () => {
    expect(await h.report(device.id, { status: 'ONLINE' })).toBe('unclaimed');
    const deep = JSON.parse(`${'{"a":'.repeat(11)}1${'}'.repeat(11)}`);
    for (const payload of [
      {},
      { config_version: -1 },
      { config: 'text' },
      { config: { text: 'x'.repeat(33_000) } },
      { config: deep },
      { config_overrides: ['a'] },
      { config_overrides: Array.from({ length: 21 }, () => '/a') },
    ]) {
      expect(await h.report(device.id, payload), JSON.stringify(payload).slice(0, 50)).toBe('invalid_status');
    }
    expect((await shown()).reported.version).toBeNull();
  });

  test('a field that the device decides itself is desired no longer, which is the device’s change', async () => {
    await own('PUT', '', { body: { a: { b: 1, c: 2 }, d: 3 } });
    await h.report(device.id, { config_version: 1, config: { a: { b: 9, c: 2 }, d: 3 }, config_overrides: ['/a/b'] });
    expect(await shown()).toMatchObject({
      desired: { version: 2, config: { a: { c: 2 }, d: 3 }, updated_by: null },
      effective: { a: { c: 2 }, d: 3 },
      delta: {},
    });
    // Said again, it changes nothing more.
    await h.report(device.id, { config_version: 2, config_overrides: ['/a/b', '/none'] });
    expect(await shown()).toMatchObject({ desired: { version: 2 }, in_sync: true });
    const entries = (await auditedOn(h.devices.sql)).filter(({ resourceId }) => resourceId === String(device.id));
    expect(entries.at(-1)).toMatchObject({ action: 'device_config.overridden', userId: null, details: { version: 2 } });
  });

  test('what a person sets after the version that the device has applied is kept, though its word comes late or twice', async () => {
    await own('PUT', '', { body: { a: 1, b: 1 } });
    const report = { config_version: 1, config_overrides: ['/a'] };
    await h.report(device.id, report);
    await own('PATCH', '', { body: { a: 5 } });
    await h.report(device.id, report);
    expect(await shown()).toMatchObject({ desired: { version: 3, config: { a: 5, b: 1 } } });
    // The other field is as it was in version 1.
    await h.report(device.id, { config_version: 1, config_overrides: ['/a', '/b'] });
    expect(await shown()).toMatchObject({ desired: { version: 4, config: { a: 5 } } });
    await h.report(device.id, { config_version: 3, config_overrides: ['/a'] });
    expect(await shown()).toMatchObject({ desired: { version: 5, config: {} } });
    // No version of its.
    await own('PUT', '', { body: { a: 6 } });
    await h.report(device.id, { config_version: 900, config_overrides: ['/a'] });
    expect(await shown()).toMatchObject({ desired: { version: 6, config: { a: 6 } } });
  });

  test('its versions are listed, and one can be gone back to', async () => {
    for (const value of [1, 2, 3]) await own('PUT', '', { body: { value } });
    const back = await own('POST', '/rollback', { body: { version: 1 } });
    expect(back.json().desired).toMatchObject({ version: 4, config: { value: 1 } });
    const { items: versions, total } = (await own('GET', '/history', { query: { size: 2 } })).json();
    expect(total).toBe(4);
    expect(versions).toMatchObject([
      { version: 4, config: { value: 1 }, changed_by: 'user', user_id: h.devices.actors.USER.userId },
      { version: 3, config: { value: 3 } },
    ]);
    const unknown = await own('POST', '/rollback', { body: { version: 77 } });
    expect([unknown.status, unknown.json().code]).toEqual([404, 'config_version_not_found']);
  });

  test('the list of versions is sorted, filtered and searched', async () => {
    await own('PUT', '', { body: { mode: 'Night' } });
    await own('PUT', '', { body: { mode: 'day' } });
    await h.report(device.id, { config_version: 2, config_overrides: ['/mode'] });
    const found = async (query: Readonly<Record<string, string>>) =>
      (await own('GET', '/history', { query })).json().items.map((each: { version: number }) => each.version);
    expect(await found({ sort: 'version' })).toEqual([1, 2, 3]);
    expect(await found({ changed_by: 'device' })).toEqual([3]);
    expect(await found({ changed_by: 'device,user', q: 'night' })).toEqual([1]);
    const refused = await own('GET', '/history', { query: { sort: 'config' } });
    expect([refused.status, refused.json().code]).toEqual([422, 'invalid_sort']);
  });

  test('a merge patch may come under its own content type, which only patches take', async () => {
    const headers = { 'content-type': 'application/merge-patch+json' };
    const patched = await own('PATCH', '', { body: '{"a": {"b": 1, "c": null}}', headers });
    expect([patched.status, patched.json().desired?.config]).toEqual([200, { a: { b: 1 } }]);
    const odd = await own('PATCH', '', { body: '[1]', headers });
    expect([odd.status, odd.json().errors]).toEqual([422, [{ path: '/', message: 'must be an object' }]]);
    expect((await own('PATCH', '', { body: '{"a"', headers })).status).toBe(400);
    expect((await own('PUT', '', { body: '{}', headers })).status).toBe(415);
    const text = await own('PATCH', '', { body: 'a', headers: { 'content-type': 'text/plain' } });
    expect([text.status, text.headers['accept']]).toEqual([415, 'application/json, application/merge-patch+json']);
    const nothing = await own('PATCH');
    expect([nothing.status, nothing.json().code]).toEqual([422, 'invalid_input']);
    const id = await group('Patched');
    const url = `/device-groups/${id}/config`;
    expect((await call('PATCH', url, { as: as(), body: '{"a": 1}', headers })).json().config).toEqual({ a: 1 });
  });

  test('the last 100 versions are kept', async () => {
    for (let value = 1; value <= 102; value++) await own('PUT', '', { body: { value } });
    const { total, items: versions } = (await own('GET', '/history', { query: { size: 100 } })).json();
    expect([total, versions.at(-1).version]).toEqual([100, 3]);
  });

  test('versions go on after the device was deleted and made again, its configuration does not', async () => {
    await own('PUT', '', { body: { secret: 1 } });
    await own('PATCH', '', { body: { secret: 2 } });
    const url = `/api/v1/devices/${device.id}`;
    await h.devices.app.request({ method: 'DELETE', url, as: h.devices.actors.ADMIN });
    await expect.poll(() => h.broker.retained.at(-1)).toEqual([`${device.device_uid} config`, null]);
    device = await h.devices.device({ device_uid: device.device_uid, owner_id: h.devices.actors.USER.userId });
    expect(await shown()).toMatchObject({ desired: { version: 3, config: {} }, reported: { version: null } });
    expect((await own('PUT', '', { body: { a: 1 } })).json().desired.version).toBe(4);
    expect((await own('GET', '/history')).json().items.map(({ version }: { version: number }) => version)).toEqual([
      4, 3,
    ]);
  });

  test('too large, too deep or not an object is refused with what is accepted', async () => {
    const deep = JSON.parse(`${'{"a":'.repeat(11)}1${'}'.repeat(11)}`);
    for (const body of [{ text: 'x'.repeat(33_000) }, deep]) {
      const answer = await own('PUT', '', { body });
      expect([answer.status, answer.json().code]).toEqual([422, 'config_invalid']);
    }
    expect((await own('PUT', '', { body: [1] })).status).toBe(422);
    // Patches must not add up to more either.
    await own('PUT', '', { body: { a: 'x'.repeat(20_000) } });
    expect((await own('PATCH', '', { body: { b: 'x'.repeat(20_000) } })).json().code).toBe('config_invalid');
  });
});

describe('the defaults of a group', () => {
  test('are below the own of each member; a null of its own removes one', async () => {
    const id = await group('Greenhouses');
    await moveTo(id);
    await defaults(id, { interval: 30, limits: { low: 1, high: 9 } });
    expect(await shown()).toMatchObject({ desired: { version: 1, config: {} }, effective: { interval: 30 } });
    await own('PUT', '', { body: { interval: null, limits: { high: 5 } } });
    expect(await shown()).toMatchObject({ desired: { version: 2 }, effective: { limits: { low: 1, high: 5 } } });
    await defaults(id, { interval: 60, limits: { low: 2 } });
    expect((await shown()).effective).toEqual({ limits: { low: 2, high: 5 } });
    expect(await h.payloadOf(device.device_uid)).toEqual({ version: 3, config: { limits: { low: 2, high: 5 } } });
    const { items: versions } = (await own('GET', '/history')).json();
    expect(versions.map((each: { changed_by: string }) => each.changed_by)).toEqual(['group', 'user', 'group']);
  });

  test('come and go with the membership, a new version each time', async () => {
    const id = await group('Movers');
    await defaults(id, { a: 1 });
    await own('PUT', '', { body: { b: 2 } });
    await moveTo(id);
    await expect.poll(async () => (await shown()).desired.version).toBe(2);
    expect((await shown()).effective).toEqual({ a: 1, b: 2 });
    await moveTo(null);
    await expect.poll(async () => (await shown()).desired.version).toBe(3);
    expect((await shown()).effective).toEqual({ b: 2 });
  });

  test('reach every member, though the process ends in the middle', async () => {
    const id = await group('Many');
    const members = [];
    for (let index = 0; index < 3; index++) members.push(await h.devices.device({ group_id: id }));
    await call('PUT', `/device-groups/${id}/config`, { as: as(), body: { a: 1 } });
    // Its job is lost; the next look finds what is left.
    for (const job of await h.jobs.all('apply_group_config')) await h.jobs.jobs.remove(job.queue, job.id);
    await h.jobs.jobs.enqueue('check_configs', {});
    await h.jobs.runUntilIdle();
    for (const { device_uid } of members)
      expect(await h.payloadOf(device_uid)).toEqual({ version: 1, config: { a: 1 } });
    expect([...(await h.all()).keys()]).toEqual(expect.arrayContaining(members.map(({ device_uid }) => device_uid)));
  });

  test('a field that the device decides is removed from them for this device alone', async () => {
    const id = await group('Overridden');
    const other = await h.devices.device({ group_id: id });
    await moveTo(id);
    await defaults(id, { a: { b: 1 }, c: 2 });
    await h.report(device.id, { config_version: 1, config_overrides: ['/a/b'] });
    expect((await shown()).effective).toEqual({ a: {}, c: 2 });
    expect((await h.payloadOf(other.device_uid))?.config).toEqual({ a: { b: 1 }, c: 2 });
  });

  test('that are too much together with its own are refused to a change of its own, and left out by a change of theirs', async () => {
    const id = await group('Large');
    await moveTo(id);
    const large = (key: string, bytes = 20_000) => ({ [key]: 'x'.repeat(bytes) });
    await defaults(id, { ...large('a'), b: 1 });
    const refused = await own('PUT', '', { body: large('c') });
    expect([refused.status, refused.json().code]).toEqual([422, 'config_invalid']);
    expect(refused.json().errors[0].message).toContain('together with the defaults of its group');
    expect(await shown()).toMatchObject({ desired: { version: 1, config: {} }, defaults_applied: true });

    await own('PUT', '', { body: large('c', 10_000) });
    await h.report(device.id, { config_version: 2 });
    await defaults(id, { ...large('a', 30_000), b: 2 });
    const kept = { ...large('a'), ...large('c', 10_000), b: 1 };
    expect(await shown()).toMatchObject({
      desired: { version: 2 },
      effective: kept,
      defaults_applied: false,
      in_sync: false,
    });
    expect(await isListed(false)).toBe(true);
    // What it has to have, it can report.
    expect(await h.report(device.id, { config_version: 2, config: kept })).toBe('stored');
    expect(await shown()).toMatchObject({ desired: { version: 2 }, in_sync: false });

    await own('PATCH', '', { body: { c: 'short' } });
    expect(await shown()).toMatchObject({
      desired: { version: 3 },
      effective: { c: 'short', b: 2 },
      defaults_applied: true,
    });
    const job = (await h.jobs.all('apply_group_config')).find(({ id: of }) => of === `group-config-${id}-2`);
    expect(job?.result).toEqual({ devices: 0, over_limit: 1 });
  });

  test('are answered as stored though the queue of jobs is away, and reach the members when it is back', async () => {
    const id = await group('Queue');
    await moveTo(id);
    h.jobs.fail(new Error('away'));
    const answer = await call('PUT', `/device-groups/${id}/config`, { as: as(), body: { a: 1 } });
    h.jobs.fail(null);
    expect([answer.status, answer.json().version]).toEqual([200, 1]);
    await h.jobs.jobs.enqueue('check_configs', {});
    await h.jobs.runUntilIdle();
    expect(h.broker.retained.at(-1)).toEqual([
      `${device.device_uid} config`,
      JSON.stringify({ version: 1, config: { a: 1 } }),
    ]);
  });

  test('have a version of their own, checked against If-Match; a group that is not there has none', async () => {
    const id = await group('Versioned');
    await defaults(id, { a: 1 });
    const url = `/device-groups/${id}/config`;
    const stale = await call('PATCH', url, { as: as(), body: { a: 2 }, headers: { 'if-match': '"0"' } });
    expect([stale.status, stale.json().code]).toEqual([412, 'precondition_failed']);
    const patched = await call('PATCH', url, { as: as(), body: { b: 2 }, headers: { 'if-match': '"1"' } });
    expect([patched.headers['etag'], patched.json().config]).toEqual(['"2"', { a: 1, b: 2 }]);
    expect((await call('GET', '/device-groups/999999/config', { as: as() })).json().code).toBe(
      'device_group_not_found',
    );
  });
});
