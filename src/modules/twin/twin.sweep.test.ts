import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TestRequest } from '#test/support/http.ts';
import { createTwinHarness, type TwinHarness } from '#test/support/twin.ts';

/* Every event is lost, as when a process ends right after it has stored something: what is done, the job does. */

let h: TwinHarness;
beforeAll(async () => {
  h = await createTwinHarness();
  h.module.listens?.end();
});
afterAll(() => h.close());

const as = () => h.devices.actors.MANAGER;
const put = async (url: string, body: object) => {
  const answer = await h.app.request({ method: 'PUT', url: `/api/v1${url}`, as: as(), body });
  expect(answer.status, answer.text).toBe(200);
};
const ofDevices = async (method: 'POST' | 'PATCH' | 'DELETE', url: string, body?: object) => {
  const more = body === undefined ? {} : { body };
  const asked: TestRequest = { method, url: `/api/v1${url}`, as: h.devices.actors.ADMIN, ...more };
  const answer = await h.devices.app.request(asked);
  expect(answer.status, answer.text).toBeLessThan(300);
  return answer;
};
const group = async (name: string): Promise<number> => (await ofDevices('POST', '/device-groups', { name })).json().id;

/** The job runs as it is scheduled, after this time. @returns how many configurations it published */
async function round(minutes = 2): Promise<number> {
  const before = await h.jobs.all('check_configs');
  h.clock.advance(minutes * 60_000);
  await h.jobs.runUntilIdle();
  const known = new Set(before.map(({ id }) => id));
  const runs = (await h.jobs.all('check_configs')).filter(({ id }) => !known.has(id));
  expect(runs).toMatchObject([{ state: 'done' }]);
  const [{ result } = { result: undefined }] = runs;
  return (result as { readonly published: number }).published;
}

/** What the broker was told to retain for a device, in order. */
const told = (uid: string) =>
  h.broker.retained.filter(([topic]) => topic === `${uid} config`).map(([, payload]) => JSON.parse(payload ?? 'null'));

describe('without a single event', () => {
  test('a device that is moved gets what it has to have now, and the broker has it within two minutes', async () => {
    const [from, to] = [await group('From'), await group('To')];
    await put(`/device-groups/${from}/config`, { a: 1 });
    await put(`/device-groups/${to}/config`, { b: 2 });
    const device = await h.devices.device({ group_id: from });
    await round();
    await ofDevices('PATCH', `/devices/${device.id}`, { group_id: to });
    await round(1);
    await round(1.1);
    expect(told(device.device_uid)).toEqual([{ version: 2, config: { b: 2 } }]);
    await ofDevices('PATCH', `/devices/${device.id}`, { group_id: null });
    await round(1);
    await round(1.1);
    expect(told(device.device_uid).at(-1)).toEqual({ version: 3, config: {} });
  });

  test('a change is told however long ago it was made, once, and not while it is being told', async () => {
    const device = await h.devices.device();
    await put(`/devices/${device.id}/config`, { a: 1 });
    h.clock.advance(30_000);
    expect(await round(0.5)).toBe(0);
    expect(await round(240)).toBe(1);
    await round();
    expect(told(device.device_uid)).toEqual([{ version: 1, config: { a: 1 } }]);
  });

  test('one that the broker does not take is told when it does', async () => {
    const device = await h.devices.device();
    await put(`/devices/${device.id}/config`, { a: 1 });
    h.broker.fail(new Error('away'));
    expect(await round()).toBe(0);
    h.broker.fail(null);
    expect(await round()).toBe(1);
    expect(told(device.device_uid)).toEqual([{ version: 1, config: { a: 1 } }]);
  });

  test('more than a page of the same instant are told, each once', async () => {
    const id = await group('Many');
    const uids: string[] = [];
    for (let index = 0; index < 250; index++) uids.push((await h.devices.device({ group_id: id })).device_uid);
    await put(`/device-groups/${id}/config`, { a: 1 });
    await round(1);
    expect(await round()).toBe(250);
    for (const uid of uids) expect(told(uid)).toEqual([{ version: 1, config: { a: 1 } }]);
  });

  test('a deleted device leaves the number of its last version, and nothing else', async () => {
    const device = await h.devices.device();
    await put(`/devices/${device.id}/config`, { secret: 1 });
    await put(`/devices/${device.id}/config`, { secret: 2 });
    await round();
    await ofDevices('DELETE', `/devices/${device.id}`);
    await round();
    expect(told(device.device_uid)).toEqual([{ version: 2, config: { secret: 2 } }, null]);
    const rows = await h.rowsOf(device.device_uid);
    expect(rows.versions).toEqual([]);
    expect(rows.configs).toMatchObject([{ version: 2, own: '{}', effective: '{}', is_in_sync: 1, is_told: 1 }]);
    const next = await h.devices.device({ device_uid: device.device_uid });
    await put(`/devices/${next.id}/config`, { a: 1 });
    expect((await h.rowsOf(device.device_uid)).configs).toMatchObject([{ version: 4, device_id: next.id }]);
  });

  test('what is left to do is a gauge', async () => {
    await round();
    const read = async () => {
      const values = (await h.module.gauges[0]?.read()) ?? [];
      return Object.fromEntries(values.map(({ labels, value }) => [labels['state'], value]));
    };
    const before = await read();
    expect(before).toMatchObject({ untold: 0, due: 0 });
    const device = await h.devices.device();
    await put(`/devices/${device.id}/config`, { a: 1 });
    expect(await read()).toEqual({ out_of_sync: (before['out_of_sync'] ?? 0) + 1, untold: 1, due: 1 });
    await h.report(device.id, { config_version: 1 });
    expect(await read()).toMatchObject({ out_of_sync: before['out_of_sync'] });
  });
});
