import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type CampaignsHarness, createCampaignsHarness } from '#test/support/campaigns.ts';

let h: CampaignsHarness;
let type = 0;
beforeAll(async () => {
  h = await createCampaignsHarness();
});
beforeEach(() => {
  type += 1;
  h.imageType = `zone-${type}`;
  // Noon in Berlin, evening in Seoul.
  h.devices.clock.set(Date.parse('2026-11-30T11:00:00Z') + type * 7 * 86_400_000);
});
afterAll(() => h.close());

const as = () => h.devices.actors.MANAGER;
const change = (id: number, body: object) =>
  h.devices.app.request({ method: 'PATCH', url: `/api/v1/devices/${id}`, as: as(), body });
const call = (method: 'GET' | 'POST', path: string, body?: object) =>
  h.app.request({ method, url: `/api/v1${path}`, as: as(), ...(body === undefined ? {} : { body }) });
const night = [{ from: '22:00', to: '05:00' }];

// biome-ignore lint/suspicious/noExplicitAny: the answer of POST /devices
type Device = any;

async function listening(more: object = {}): Promise<Device> {
  const device = await h.devices.device({ device_type: `zone-${type}`, ...more });
  h.broker.listen(device.id, device.device_uid);
  return device;
}
async function started(plan: object): Promise<number> {
  const body = { name: 'Night', firmware_id: 1, target: { device_type: `zone-${type}` }, ...plan };
  const answer = await call('POST', '/campaigns', { stages: [{ percent: 100, gate: [] }], ...body });
  expect(answer.status, answer.text).toBe(201);
  const { id } = answer.json();
  await call('POST', `/campaigns/${id}/start`);
  await h.drive(id);
  return id;
}
const otaOf = async ({ id }: Device) => (await call('GET', `/devices/${id}/ota`)).json().campaigns[0];
const statusOf = async (device: Device) => (await otaOf(device)).status;
const hours = (count: number) => h.devices.clock.advance(count * 3_600_000);
const dayOf = (days = 0) => new Date(h.devices.clock.now() + days * 86_400_000).toISOString().slice(0, 10);

describe('windows by the clock of each device', () => {
  test('open where it is night; a device without a zone has that of the campaign', async () => {
    const [seoul, berlin, nowhere] = [
      await listening({ timezone: 'Asia/Seoul' }),
      await listening({ timezone: 'Europe/Berlin' }),
      await listening(),
    ];
    const today = dayOf();
    const id = await started({ schedule: { windows: night, zone: 'America/New_York', device_zone: true } });
    expect((await call('GET', `/campaigns/${id}`)).json()).toMatchObject({ device_zone: true, windows: night });
    expect((await otaOf(seoul)).explanation).toBe(`Waits for its window, next at ${today}T13:00:00.000Z (Asia/Seoul).`);
    hours(2);
    await h.drive(id);
    expect(await Promise.all([seoul, berlin, nowhere].map(statusOf))).toEqual(['OFFERED', 'QUEUED', 'QUEUED']);
    expect((await otaOf(berlin)).explanation).toContain(`next at ${today}T21:00:00.000Z (Europe/Berlin)`);
    hours(8);
    await h.drive(id);
    expect(await Promise.all([berlin, nowhere].map(statusOf))).toEqual(['OFFERED', 'QUEUED']);
    expect((await otaOf(nowhere)).explanation).toContain('(America/New_York)');
    hours(6);
    await h.drive(id);
    expect(await statusOf(nowhere)).toBe('OFFERED');
  });

  test('follow a device that moves, and a stage waits for its own devices', async () => {
    const devices = [await listening({ timezone: 'Europe/Berlin' }), await listening({ timezone: 'Europe/Berlin' })];
    const gate = [{ type: 'min_devices', count: 1 }];
    const id = await started({
      stages: [
        { devices: 1, gate },
        { percent: 100, gate: [] },
      ],
      schedule: { windows: night, device_zone: true },
    });
    hours(2);
    await h.drive(id);
    expect(await Promise.all(devices.map(statusOf))).toEqual(['QUEUED', 'QUEUED']);
    // Where it is night now: both, but the stage is for one.
    for (const { id: device } of devices) await change(device, { timezone: 'Asia/Seoul' });
    await expect.poll(async () => (await otaOf(devices[1])).explanation).toContain('Waits for its stage');
    await expect
      .poll(async () => {
        await h.drive(id);
        return (await Promise.all(devices.map(statusOf))).toSorted();
      })
      .toEqual(['OFFERED', 'QUEUED']);
  });

  test('a zone that there is not is refused, of a device and of a campaign', async () => {
    for (const timezone of ['Mars/Olympus', '+09:00', '', 'x'.repeat(65)]) {
      const body = { name: 'Pump', device_type: 'pump', timezone };
      const answer = await h.devices.app.request({ method: 'POST', url: '/api/v1/devices', as: as(), body });
      expect([answer.status, answer.json().errors[0].path]).toEqual([422, '/timezone']);
    }
    const { id } = await h.devices.device({ timezone: 'Asia/Seoul' });
    expect((await change(id, { timezone: null })).json().timezone).toBeNull();
    const body = { name: 'x', firmware_id: 1, target: { all: true } };
    const empty = await call('POST', '/campaigns', {
      ...body,
      schedule: { windows: [{ from: '01:00', to: '01:00' }] },
    });
    expect([empty.status, empty.json().errors[0].path]).toEqual([422, '/schedule/windows/0/to']);
  });
});

describe('nothing is offered while', () => {
  test('the window is closed: neither to a device that comes back nor again; once it opens, without coming back', async () => {
    const device = await h.devices.device({ device_type: `zone-${type}` });
    const schedule = { windows: [{ from: '11:00', to: '12:00' }] };
    const id = await started({ schedule, retries: { max: 1, backoff_seconds: 60 }, timeouts: { seen_seconds: 7_200 } });
    expect((await otaOf(device)).explanation).toContain('when it subscribes');
    hours(1.5);
    h.broker.listen(device.id, device.device_uid);
    await h.drive(id);
    expect(await otaOf(device)).toMatchObject({
      status: 'QUEUED',
      explanation: `Waits for its window, next at ${dayOf(1)}T11:00:00.000Z (UTC).`,
    });
    // Nobody counts against it that it was there when nothing was offered.
    hours(1);
    await h.drive(id);
    expect(await otaOf(device)).toMatchObject({ status: 'QUEUED', reason: 'outside_window' });
    hours(21.5);
    await h.drive(id);
    expect(await otaOf(device)).toMatchObject({ status: 'OFFERED', attempts: 1 });
    // An error at the end of the window: the next try is in the next one.
    hours(0.99);
    await h.answer(device.id, { campaign_id: id, status: 'error' });
    hours(0.5);
    await h.drive(id);
    expect(await otaOf(device)).toMatchObject({ status: 'QUEUED', attempts: 1 });
    hours(22.6);
    await h.drive(id);
    expect(await otaOf(device)).toMatchObject({ status: 'OFFERED', attempts: 2 });
  });

  test('the window is closed, and a device that never comes ends all the same', async () => {
    const device = await h.devices.device({ device_type: `zone-${type}` });
    const schedule = { windows: [{ from: '11:00', to: '12:00' }] };
    const id = await started({ schedule, timeouts: { seen_seconds: 43_200 } });
    for (let half = 0; half < 5; half++) {
      hours(12);
      await h.drive(id);
    }
    expect(await otaOf(device)).toMatchObject({ status: 'TIMED_OUT', reason: 'not_seen' });
  });

  test('it is paused: nobody times out who waits, and who is there is offered it when it goes on', async () => {
    const device = await h.devices.device({ device_type: `zone-${type}` });
    const id = await started({ timeouts: { seen_seconds: 3_600 } });
    await call('POST', `/campaigns/${id}/pause`);
    h.broker.listen(device.id, device.device_uid);
    for (let hour = 0; hour < 5; hour++) {
      hours(1);
      await h.drive(id);
    }
    expect(await otaOf(device)).toMatchObject({ status: 'QUEUED', explanation: 'Waits: the campaign is paused.' });
    await call('POST', `/campaigns/${id}/resume`);
    await h.drive(id);
    expect(await statusOf(device)).toBe('OFFERED');
  });
});

test('what a process that ended had not offered yet, the next one offers', async () => {
  const device = await h.devices.device({ device_type: `zone-${type}` });
  const id = await started({});
  // Released; then it connects while nobody listens to its events.
  h.module.listens?.end();
  h.broker.listen(device.id, device.device_uid);
  expect(await statusOf(device)).toBe('QUEUED');
  await h.restart();
  await h.drive(id);
  expect(await statusOf(device)).toBe('OFFERED');
});
