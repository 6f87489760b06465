import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { DownlinkMessage } from '#platform/mqtt/downlink.port.ts';
import { auditedOn } from '#test/support/audit.ts';
import { type CampaignsHarness, createCampaignsHarness, IMAGE } from '#test/support/campaigns.ts';
import { createCampaignUsage } from './index.ts';

let h: CampaignsHarness;
let type = 0;
beforeAll(async () => {
  h = await createCampaignsHarness();
});
beforeEach(() => {
  type += 1;
  h.imageType = `type-${type}`;
});
afterAll(() => h.close());

const as = () => h.devices.actors.MANAGER;
const call = (method: 'GET' | 'POST', path: string, body?: object, by = as()) =>
  h.app.request({ method, url: `/api/v1${path}`, as: by, ...(body === undefined ? {} : { body }) });

// biome-ignore lint/suspicious/noExplicitAny: the answer of POST /devices
type Device = any;

async function fleet(count: number): Promise<readonly Device[]> {
  const made = [];
  for (let index = 0; index < count; index++) made.push(await h.devices.device({ device_type: `type-${type}` }));
  return made;
}

async function campaign(plan: object = {}) {
  const body = { name: 'Valve fix', firmware_id: 1, target: { device_type: `type-${type}` }, ...plan };
  const answer = await call('POST', '/campaigns', body);
  expect(answer.status, answer.text).toBe(201);
  return answer.json();
}

async function started(plan: object = {}) {
  const { id } = await campaign(plan);
  // It runs in a moment, or already.
  expect(['SCHEDULED', 'RUNNING']).toContain((await call('POST', `/campaigns/${id}/start`)).json().status);
  await h.drive(id);
  return id;
}

const shown = async (id: number) => (await call('GET', `/campaigns/${id}`)).json();
const otaOf = async ({ id }: Device) => (await call('GET', `/devices/${id}/ota`)).json().campaigns[0];

async function does(device: Device, campaign_id: number, ...steps: readonly string[]) {
  for (const status of steps) {
    h.devices.clock.advance(1);
    expect(await h.answer(device.id, { campaign_id, status })).toBe('stored');
  }
}

describe('a campaign', () => {
  test('lets a device have the image that asks for it before the offer is noted, and no other device', async () => {
    const [device, other] = await fleet(2);
    h.broker.listen(device.id, device.device_uid);
    const { isOffered } = createCampaignUsage(h.devices.sql);
    const { publish } = h.broker.port;
    const asked: boolean[] = [];
    Object.assign(h.broker.port, {
      async publish(message: DownlinkMessage) {
        asked.push(await isOffered(device.id, IMAGE.id), await isOffered(other.id, IMAGE.id));
        return await publish(message);
      },
    });
    const id = await started({ target: { device_ids: [device.id] } });
    Object.assign(h.broker.port, { publish });
    expect(asked).toEqual([true, false]);
    await call('POST', `/campaigns/${id}/abort`);
    // Its devices are cancelled in the background.
    await expect.poll(() => isOffered(device.id, IMAGE.id)).toBe(false);
  });

  test('offers the image to a device that listens, follows it, and ends when it reports the version', async () => {
    const [device] = await fleet(1);
    h.broker.listen(device.id, device.device_uid);
    const id = await started();
    const offer = JSON.parse(h.broker.sent.at(-1)?.payload ?? '');
    expect(offer).toMatchObject({ campaign_id: id, firmware_id: 1, version: '2.0.0', sequence: 2, size: 3 });
    expect(offer.url).toBe('http://iot.example/api/v1/device/firmware/1');
    expect(await otaOf(device)).toMatchObject({ status: 'OFFERED', attempts: 1, stage: 0 });
    await does(device, id, 'downloading', 'downloaded', 'installing', 'success');
    // It says so; what counts is what it runs.
    expect(await otaOf(device)).toMatchObject({ status: 'INSTALLING' });
    await h.report(device.id, '2.0.0');
    await h.drive(id);
    const ended = await otaOf(device);
    expect(ended.history.map((each: { status: string }) => each.status)).toEqual([
      'QUEUED',
      'OFFERED',
      'DOWNLOADING',
      'DOWNLOADED',
      'INSTALLING',
      'SUCCEEDED',
    ]);
    expect(await shown(id)).toMatchObject({ status: 'COMPLETED', counts: { SUCCEEDED: 1 } });
  });

  test('skips devices that have the version, and offers the others when they come', async () => {
    const [has, away] = await fleet(2);
    await h.report(has.id, '2.0.0');
    const id = await started();
    expect((await shown(id)).counts).toMatchObject({ SKIPPED: 1, QUEUED: 1 });
    expect((await otaOf(away)).explanation).toContain('when it subscribes');
    h.broker.listen(away.id, away.device_uid);
    await expect.poll(async () => (await otaOf(away)).status).toBe('OFFERED');
  });

  test('releases stage by stage, when the gate has passed', async () => {
    const devices = await fleet(10);
    for (const device of devices) h.broker.listen(device.id, device.device_uid);
    const id = await started({
      stages: [{ percent: 20, gate: [{ type: 'failed_share', max: 0.5 }] }, { percent: 100 }],
    });
    const offered = async () => {
      const { items } = (await call('GET', `/campaigns/${id}/devices?status=OFFERED`)).json();
      return items.map(({ device_id }: { device_id: number }) => devices.find((each) => each.id === device_id));
    };
    const canary = await offered();
    expect(canary).toHaveLength(2);
    for (const device of canary) {
      await does(device, id, 'installing');
      await h.report(device.id, '2.0.0');
    }
    await h.drive(id);
    expect(await shown(id)).toMatchObject({ stage: 1 });
    expect(await offered()).toHaveLength(8);
  });

  test('stops itself when a gate fails, says why, and goes on when a person says so', async () => {
    const devices = await fleet(10);
    for (const device of devices) h.broker.listen(device.id, device.device_uid);
    const id = await started({
      stages: [{ devices: 3, gate: [{ type: 'failed_share', max: 0.3 }] }, { percent: 100 }],
      retries: { max: 0 },
    });
    const { items } = (await call('GET', `/campaigns/${id}/devices?status=OFFERED`)).json();
    for (const { device_id } of items) {
      await does({ id: device_id }, id, 'installing');
      await h.report(device_id, '1.0.0');
    }
    await h.drive(id);
    expect(await shown(id)).toMatchObject({
      status: 'PAUSED',
      reason: 'gate',
      gate: [{ type: 'failed_share', result: 'fail', figures: { failed: 3, devices: 3, max: 0.3 } }],
      counts: { FAILED: 3, QUEUED: 7 },
    });
    const stopped = (await auditedOn(h.devices.sql)).filter(({ action }) => action === 'campaign.gate_failed');
    expect(stopped.at(-1)).toMatchObject({
      resourceId: String(id),
      userId: null,
      details: { stage: 0, conditions: ['failed_share'], status: 'PAUSED' },
    });
    const [first] = items;
    expect(await otaOf({ id: first.device_id })).toMatchObject({ status: 'FAILED', reason: 'rolled_back' });
    const waiting = devices.find(
      (each) => !items.some(({ device_id }: { device_id: number }) => device_id === each.id),
    );
    expect((await otaOf(waiting)).explanation).toContain('the gate of stage 1 has failed');
    await call('POST', `/campaigns/${id}/resume`);
    await h.drive(id);
    expect(await shown(id)).toMatchObject({ status: 'RUNNING', stage: 1, counts: { OFFERED: 7 } });
  });

  test('stops an image that installs well and then raises alerts', async () => {
    const devices = await fleet(6);
    for (const device of devices) h.broker.listen(device.id, device.device_uid);
    const id = await started({
      stages: [{ devices: 2, gate: [{ type: 'alerts', ratio: 2, floor: 0.1 }] }, { percent: 100 }],
      on_fail: 'abort',
    });
    const { items } = (await call('GET', `/campaigns/${id}/devices?status=OFFERED`)).json();
    for (const { device_id } of items) {
      await does({ id: device_id }, id, 'installing');
      h.alerts.set(device_id, 3);
      await h.report(device_id, '2.0.0');
    }
    await h.drive(id);
    expect(await shown(id)).toMatchObject({
      status: 'ABORTED',
      reason: 'gate',
      gate: [{ type: 'alerts', result: 'fail', figures: { updated: 3, others: 0 } }],
      counts: { SUCCEEDED: 2, CANCELLED: 4 },
    });
  });

  test('offers it again after an error, later each time, and gives up when the tries are used', async () => {
    const [device] = await fleet(1);
    h.broker.listen(device.id, device.device_uid);
    const id = await started({ retries: { max: 1, backoff_seconds: 60 }, stages: [{ percent: 100, gate: [] }] });
    expect(await h.answer(device.id, { campaign_id: id, status: 'error', error: 'no space' })).toBe('stored');
    expect(await otaOf(device)).toMatchObject({ status: 'QUEUED', reason: 'no space', attempts: 1 });
    await h.drive(id);
    expect((await otaOf(device)).status).toBe('QUEUED');
    h.devices.clock.advance(60_000);
    await h.drive(id);
    expect(await otaOf(device)).toMatchObject({ status: 'OFFERED', attempts: 2 });
    await does(device, id, 'error');
    await h.drive(id);
    expect(await shown(id)).toMatchObject({ status: 'COMPLETED', counts: { FAILED: 1 } });
  });

  test('offers it again to a device that lost power while it downloaded, and not to one that installs', async () => {
    const [device] = await fleet(1);
    let connection = h.broker.listen(device.id, device.device_uid);
    const id = await started();
    const offers = () => h.broker.sent.filter(({ deviceUid }) => deviceUid === device.device_uid).length;
    await does(device, id, 'downloading');
    h.broker.disconnect(connection);
    connection = h.broker.listen(device.id, device.device_uid);
    await expect.poll(offers).toBe(2);
    await does(device, id, 'installing');
    h.broker.disconnect(connection);
    h.broker.listen(device.id, device.device_uid);
    await h.module.inner.idle();
    expect(offers()).toBe(2);
  });

  test('ends what takes too long, step by step, and what was never there', async () => {
    const [slow, away] = await fleet(2);
    h.broker.listen(slow.id, slow.device_uid);
    const timeouts = { offered_seconds: 60, seen_seconds: 600 };
    const id = await started({ timeouts, retries: { max: 0 }, stages: [{ percent: 100, gate: [] }] });
    h.devices.clock.advance(60_000);
    await h.drive(id);
    expect(await otaOf(slow)).toMatchObject({ status: 'TIMED_OUT', reason: 'offered_too_long' });
    h.devices.clock.advance(540_000);
    await h.drive(id);
    expect(await otaOf(away)).toMatchObject({ status: 'TIMED_OUT', reason: 'not_seen' });
    expect((await shown(id)).status).toBe('COMPLETED');
  });

  test('keeps to its window, its pace and its start', async () => {
    const devices = await fleet(5);
    for (const device of devices) h.broker.listen(device.id, device.device_uid);
    const now = h.devices.clock.now();
    const start_at = new Date(now + 60_000).toISOString();
    const hour = new Date(now + 3_600_000).toISOString().slice(11, 13);
    const windows = [{ from: `${hour}:00`, to: `${hour}:59` }];
    const id = await started({
      schedule: { start_at, windows },
      rate_per_minute: 2,
      stages: [{ percent: 100, gate: [] }],
    });
    expect((await shown(id)).status).toBe('SCHEDULED');
    h.devices.clock.advance(60_000);
    await h.drive(id);
    expect(await shown(id)).toMatchObject({ status: 'RUNNING', counts: { QUEUED: 5 } });
    h.devices.clock.set(Date.parse(`${new Date(now).toISOString().slice(0, 11)}${hour}:00:00Z`));
    for (const offered of [2, 2]) {
      await h.drive(id);
      expect((await shown(id)).counts.OFFERED).toBe(offered);
    }
    h.devices.clock.advance(60_000);
    await h.drive(id);
    expect((await shown(id)).counts.OFFERED).toBe(4);
  });

  test('waits for another person’s approval where it needs one', async () => {
    await fleet(1);
    const { id } = await campaign({ requires_approval: true });
    expect((await call('POST', `/campaigns/${id}/start`)).json().code).toBe('campaign_not_approved');
    expect((await call('POST', `/campaigns/${id}/approve`)).json().code).toBe('campaign_own_approval');
    const by = h.devices.actors.ADMIN;
    expect((await call('POST', `/campaigns/${id}/approve`, undefined, by)).json().approved_by).toBe(by.userId);
    expect((await call('POST', `/campaigns/${id}/start`)).status).toBe(200);
    const actions = (await auditedOn(h.devices.sql)).filter(
      ({ resourceType, resourceId }) => resourceType === 'campaign' && resourceId === String(id),
    );
    expect(actions.map(({ action }) => action)).toEqual(['campaign.created', 'campaign.approved', 'campaign.started']);
  });

  test('aborted, it takes back what is open, and an answer after that is late', async () => {
    const devices = await fleet(3);
    h.broker.listen(devices[0].id, devices[0].device_uid);
    const id = await started();
    expect((await call('POST', `/campaigns/${id}/abort`)).json().status).toBe('ABORTED');
    await h.drive(id);
    expect((await shown(id)).counts).toMatchObject({ CANCELLED: 3 });
    h.devices.clock.advance(1);
    expect(await h.answer(devices[0].id, { campaign_id: id, status: 'success' })).toBe('late_campaign_response');
    expect((await call('POST', `/campaigns/${id}/abort`)).json().code).toBe('campaign_state_conflict');
  });

  test('takes in devices that come to its target while it runs, if it is continuous', async () => {
    await fleet(1);
    const id = await started({ continuous: true });
    const late = await h.devices.device({ device_type: `type-${type}` });
    h.devices.clock.advance(600_000);
    await h.drive(id);
    expect(await otaOf(late)).toMatchObject({ campaign_id: id, status: 'QUEUED' });
  });

  test('is for devices of the type of its image, whoever else is in the target', async () => {
    const [device] = await fleet(1);
    const other = await h.devices.device({ device_type: 'other' });
    const id = await started({ target: { device_ids: [device.id, other.id] } });
    expect((await call('GET', `/campaigns/${id}/devices`)).json().items).toMatchObject([{ device_id: device.id }]);
    const answer = await call('POST', '/campaigns', { name: 'x', firmware_id: 1, target: { device_type: 'other' } });
    expect([answer.status, answer.json().errors[0].path]).toEqual([422, '/target/device_type']);
  });

  test('is counted while it is under way, with its devices by status', async () => {
    const gaugeOf = async (name: string, status: string) => {
      const values = (await h.module.gauges.find((gauge) => gauge.name === name)?.read()) ?? [];
      return values.find(({ labels }) => labels['status'] === status)?.value ?? Number.NaN;
    };
    const all = () =>
      Promise.all([
        gaugeOf('core_api_campaigns_active', 'RUNNING'),
        gaugeOf('core_api_campaign_devices', 'QUEUED'),
        gaugeOf('core_api_campaign_devices', 'CANCELLED'),
      ]);
    const [running = 0, queued = 0, cancelled = 0] = await all();
    await fleet(3);
    const id = await started();
    expect(await all()).toEqual([running + 1, queued + 3, cancelled]);
    await call('POST', `/campaigns/${id}/abort`);
    expect(await all()).toEqual([running, queued, cancelled]);
  });

  test('does not wait for a device that was deleted', async () => {
    const [gone] = await fleet(1);
    const id = await started();
    const by = h.devices.actors.ADMIN;
    const url = `/api/v1/devices/${gone.id}`;
    expect((await h.devices.app.request({ method: 'DELETE', url, as: by })).status).toBe(204);
    await expect.poll(async () => (await shown(id)).counts.CANCELLED).toBe(1);
    await h.drive(id);
    expect((await shown(id)).status).toBe('COMPLETED');
    const { items } = (await call('GET', `/campaigns/${id}/devices`)).json();
    expect(items).toMatchObject([{ reason: 'device_deleted', explanation: 'The device was deleted.' }]);
  });

  test('answers of devices that were not released are unknown', async () => {
    const devices = await fleet(2);
    const id = await started({ stages: [{ devices: 1 }, { percent: 100 }] });
    const standing = await Promise.all(devices.map(otaOf));
    const device = devices[standing.findIndex(({ stage }) => stage === null)] as Device;
    const stranger = await h.devices.device();
    expect(await h.answer(stranger.id, { campaign_id: id, status: 'success' })).toBe('unknown_campaign');
    expect(await h.answer(device.id, { campaign_id: id, status: 'success' })).toBe('unknown_campaign');
    expect(await h.answer(device.id, { campaign_id: 999_999, status: 'success' })).toBe('unknown_campaign');
    expect((await otaOf(device)).status).toBe('QUEUED');
  });

  test('an answer to an offer of which a killed process had not stored that it was made counts as one to it', async () => {
    const [device] = await fleet(1);
    // Released, and by what is stored never there.
    const id = await started();
    expect(await h.answer(device.id, { campaign_id: id, status: 'error' })).toBe('stored');
    expect(await otaOf(device)).toMatchObject({ status: 'QUEUED', attempts: 0 });
    await does(device, id, 'downloading');
    const { status, attempts, history } = await otaOf(device);
    expect([status, attempts]).toEqual(['DOWNLOADING', 1]);
    expect(history.map((each: { status: string }) => each.status)).toEqual(['QUEUED', 'OFFERED', 'DOWNLOADING']);
    // In the pause before the next try, too.
    await does(device, id, 'error', 'downloaded');
    expect(await otaOf(device)).toMatchObject({ status: 'DOWNLOADED', attempts: 2 });
  });

  test('a plan that cannot be is refused with what is accepted', async () => {
    const body = { name: 'x', firmware_id: 1, target: { all: true } };
    const crashes = { type: 'telemetry', metric: 'crashes', aggregate: 'sum_per_hour', fails: 'above' };
    for (const [plan, path] of [
      [{ stages: [{ percent: 5, devices: 1 }] }, '/stages/0'],
      [{ stages: [{ percent: 50 }, { percent: 10 }] }, '/stages/1'],
      [{ stages: [{ gate: [{ ...crashes }], percent: 100 }] }, '/stages/0/gate/0'],
      [{ stages: [{ gate: [{ ...crashes, ratio: 2, metric: 'no space' }], percent: 100 }] }, '/stages/0/gate/0/metric'],
      [{ schedule: { zone: 'Mars/Olympus' } }, '/schedule/zone'],
      [{ firmware_id: 77 }, '/firmware_id'],
      [{ target: {} }, '/target'],
    ] as const) {
      const answer = await call('POST', '/campaigns', { ...body, ...plan });
      expect([answer.status, answer.json().errors[0].path], answer.text).toEqual([422, path]);
    }
  });
});
