import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLogger } from '#kernel/logger.ts';
import { createFirmwareModule, firmwareMigrations } from '#modules/firmware/index.ts';
import { createFileBlobStore } from '#platform/blobs/files/blobs.files.ts';
import { auditedDeviceStore, auditedStore } from '#test/support/audit.ts';
import { createDevicesHarness, type DevicesHarness } from '#test/support/devices.ts';
import { createFakeDownlink } from '#test/support/fake-downlink.ts';
import { createTestApp, type TestApp } from '#test/support/http.ts';
import { createJobsHarness } from '#test/support/jobs.ts';
import { campaignsMigrations, createCampaignsModule, createCampaignUsage } from './index.ts';

/* Firmware and campaigns as they are put together: who wins when an image is deleted while a campaign begins to need it. */

const ROUNDS = 25;
const soon = () => AbortSignal.timeout(5_000);

let h: DevicesHarness;
let app: TestApp;
let folder: string;
let jobs: ReturnType<typeof createJobsHarness>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'usage-'));
  h = await createDevicesHarness('owned', undefined, undefined, { ...firmwareMigrations, ...campaignsMigrations });
  const { sql, clock } = h;
  const { audit, refusals } = auditedDeviceStore(sql, clock);
  const blobs = createFileBlobStore({ folder: join(folder, 'blobs') });
  await blobs.start?.(soon());
  const firmware = createFirmwareModule({
    persistence: { sql, audit, blobs, refusals: { devices: refusals, anybody: auditedStore(sql, clock).refusals } },
    usage: createCampaignUsage(sql),
    clock,
    options: {
      keysFolder: join(folder, 'keys'),
      maxBytes: 1_000,
      requiresSignature: false,
      publicUrl: () => 'http://iot.example',
    },
  });
  for (const component of firmware.components) await component.start?.(soon());
  jobs = createJobsHarness(clock);
  const campaigns = createCampaignsModule({
    persistence: { sql, audit, refusals },
    modules: {
      devices: h.api,
      firmware: firmware.api,
      monitoring: { countRaised: async () => 0 },
      telemetry: { summaries: async () => [] },
    },
    downlink: createFakeDownlink({ events: h.bus, clock, channel: 'ota' }).port,
    jobs: jobs.jobs,
    events: h.bus,
    runtime: { clock, logger: silentLogger },
    publicUrl: () => 'http://iot.example',
  });
  jobs.define(campaigns.jobs);
  await jobs.start();
  app = await createTestApp({ routes: [...firmware.routes, ...campaigns.routes], clock });
});
afterAll(async () => {
  await app.close();
  await jobs.stop();
  await h.close();
  await rm(folder, { recursive: true, force: true });
});

const as = () => h.actors.MANAGER;
async function image(version: string): Promise<number> {
  const headers = { 'content-type': 'application/octet-stream' };
  const query = { device_type: 'pump', version };
  const answer = await app.request({
    ...{ method: 'POST', url: '/api/v1/firmware', as: as(), query, raw: Buffer.from('abc'), headers },
  });
  expect(answer.status, answer.text).toBe(201);
  return answer.json().id;
}
const plan = (firmware_id: number) =>
  app.request({
    ...{ method: 'POST', url: '/api/v1/campaigns', as: as() },
    body: { name: 'Race', firmware_id, target: { device_type: 'pump' } },
  });
const remove = (id: number) => app.request({ method: 'DELETE', url: `/api/v1/firmware/${id}`, as: as() });

test('a campaign keeps its image, and an image that is gone gets no campaign', async () => {
  const kept = await image('kept');
  const { id } = (await plan(kept)).json();
  expect((await remove(kept)).json().code).toBe('firmware_in_use');
  await app.request({ method: 'POST', url: `/api/v1/campaigns/${id}/abort`, as: as() });
  expect((await remove(kept)).status).toBe(204);
  const late = await plan(kept);
  expect([late.status, late.json().errors]).toEqual([
    422,
    [{ path: '/firmware_id', message: 'must be a firmware that exists' }],
  ]);
});

test('deleted and planned with at the same moment, one of the two is refused, whoever comes first', async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const id = await image(`race-${round}`);
    const isPlannedFirst = round % 2 === 0;
    const calls = isPlannedFirst ? [plan(id), remove(id)] : [remove(id), plan(id)];
    const answers = await Promise.all(calls);
    const [planned, removed] = isPlannedFirst ? answers : answers.toReversed();
    expect(['201 409', '422 204']).toContain(`${planned?.status} ${removed?.status}`);
    const is = (await app.request({ url: `/api/v1/firmware/${id}`, as: as() })).status;
    expect(is).toBe(planned?.status === 201 ? 200 : 404);
  }
});
