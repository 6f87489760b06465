import { randomBytes, randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRandom } from '../../src/main/commands/fleet/device-model.ts';
import { type ApiClient, signInAsSuperuser } from '../support/api-client.ts';
import {
  type CampaignFleet,
  driveTo,
  listMembers,
  startCampaignFleet,
  uploadImage,
} from '../support/campaign-fleet.ts';
import { temporaryFolder } from '../support/folders.ts';
import { freePort, type ServerProcess, startServer } from '../support/server-process.ts';

const DEVICES = 500;
const KILLS = 20;
const IMAGE_BYTES = 20_000;
/** Campaigns are RUNNING so long that a device tries again at once. */
const RETRIES = { max: 2, backoff_seconds: 1 };

/** What docs/firmware.md says a device goes through. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  QUEUED: ['OFFERED', 'SUCCEEDED', 'TIMED_OUT', 'CANCELLED'],
  OFFERED: ['DOWNLOADING', 'DOWNLOADED', 'INSTALLING', 'SUCCEEDED', 'QUEUED', 'FAILED', 'CANCELLED'],
  DOWNLOADING: ['DOWNLOADED', 'INSTALLING', 'SUCCEEDED', 'QUEUED', 'FAILED', 'CANCELLED'],
  DOWNLOADED: ['DOWNLOADING', 'INSTALLING', 'SUCCEEDED', 'QUEUED', 'FAILED', 'CANCELLED'],
  INSTALLING: ['SUCCEEDED', 'QUEUED', 'FAILED', 'CANCELLED'],
};

describe(`campaigns for ${DEVICES} devices, on the real server`, () => {
  const folder = temporaryFolder();
  let settings: Record<string, string>;
  let server: ServerProcess;
  let api: ApiClient;
  let fleet: CampaignFleet;

  beforeAll(async () => {
    settings = {
      ...{ DATA_DIR: folder.path, LOG_LEVEL: 'error' },
      ...{ HTTP_PORT: String(await freePort()), MQTT_PORT: String(await freePort()) },
    };
    server = await startServer(settings);
    api = await signInAsSuperuser(server, settings);
    fleet = await startCampaignFleet(api, server, DEVICES);
    while (!fleet.devices.every((device) => device.isConnected())) await sleep(50);
  }, 120_000);
  afterAll(async () => {
    await fleet?.stop();
    await server?.end('SIGKILL');
    folder.remove();
  });

  async function plan(version: string, more: object) {
    const image = await uploadImage(server, api, version, randomBytes(IMAGE_BYTES));
    const order = { name: `To ${version}`, firmware_id: image.id, target: { device_type: 'pump' }, retries: RETRIES };
    const { id }: { id: number } = await api.call('POST', '/api/v1/campaigns', { ...order, ...more });
    return { id, sha256: image.sha256, start: () => api.call('POST', `/api/v1/campaigns/${id}/start`, {}) };
  }

  /** Kills the server when devices have done so much, and starts it again; some moments later than they did it. */
  async function killAt(points: readonly number[], done: () => number, random: () => number): Promise<void> {
    for (const point of points) {
      while (done() < point) await sleep(10);
      await sleep(200 * random());
      await server.end('SIGKILL');
      server = await startServer(settings);
    }
  }

  test(`with 10 % failures, 5 % power cuts and ${KILLS} SIGKILLs it finishes, each device counts once, and who says it runs the image was sent it`, async () => {
    const seed = Number(process.env['TEST_SEED'] ?? randomInt(2 ** 31));
    process.stdout.write(`campaign: TEST_SEED=${seed}\n`);
    const random = createRandom(seed);
    const campaign = await plan('2.0.0', {
      stages: [{ percent: 10, gate: [{ type: 'failed_share', max: 0.5 }] }, { percent: 100 }],
    });
    fleet.mishapsOf.set(campaign.id, { update_fails: 0.1, update_power_cut: 0.05 });
    let steps = 0;
    let cuts = 0;
    fleet.onUpdate = (_member, _campaignId, step) => {
      steps += 1;
      if (step === 'power_cut') cuts += 1;
    };
    await campaign.start();
    // Each device downloads and installs: two steps at least.
    const points = Array.from({ length: KILLS }, () => Math.floor(1.9 * DEVICES * random())).sort((a, b) => a - b);
    await killAt(points, () => steps, random);
    const { counts } = await driveTo(api, campaign.id, 'COMPLETED');

    const failing = fleet.members.filter((member) => fleet.fails(member, campaign.id));
    expect(failing.length).toBeGreaterThan(0);
    expect(cuts).toBeGreaterThan(0);
    const numbers = Object.values(counts as Record<string, number>);
    expect(numbers.reduce((sum, count) => sum + count, 0)).toBe(DEVICES);
    expect(counts).toMatchObject({ SUCCEEDED: DEVICES - failing.length, FAILED: failing.length });

    const shown = new Map((await listMembers(api, campaign.id)).map((member) => [member.device_uid, member]));
    expect(shown.size).toBe(DEVICES);
    for (const [index, member] of fleet.members.entries()) {
      const device = fleet.devices[index];
      const standing = shown.get(member.deviceUid);
      const states = standing?.history.map(({ status }) => status) ?? [];
      const told = `${member.deviceUid}: ${states.join(' → ')}`;
      for (const [at, state] of states.slice(1).entries())
        expect(ARROWS[states[at] as string] ?? [], told).toContain(state);
      const isUpdated = device?.firmwareVersion() === '2.0.0';
      expect(isUpdated, told).toBe(!failing.includes(member));
      expect(standing?.status, told).toBe(isUpdated ? 'SUCCEEDED' : 'FAILED');
      const whole = device?.downloads.filter(
        ({ campaignId, sha256 }) => campaignId === campaign.id && sha256 === campaign.sha256,
      );
      if (isUpdated) expect(whole, told).not.toEqual([]);
    }
    process.stdout.write(`${KILLS} SIGKILLs, ${cuts} power cuts: ${JSON.stringify(counts)}\n`);
  }, 240_000);

  test('with 30 % failures it stops itself at the canary, and each device says why it waits', async () => {
    const campaign = await plan('3.0.0', { stages: [{ percent: 10 }, { percent: 100 }], retries: { max: 0 } });
    fleet.mishapsOf.set(campaign.id, { update_fails: 0.3 });
    await campaign.start();
    const stopped = await driveTo(api, campaign.id, 'PAUSED');
    expect(stopped).toMatchObject({ reason: 'gate', stage: 0 });
    expect(stopped.gate).toMatchObject([{ type: 'failed_share', result: 'fail' }]);

    const members = await listMembers(api, campaign.id);
    const waiting = members.filter(({ attempts }) => attempts === 0);
    expect(waiting).toHaveLength(0.9 * DEVICES);
    expect(new Set(waiting.map(({ status }) => status))).toEqual(new Set(['QUEUED']));
    const failed = members.find(({ status }) => status === 'FAILED');
    const otaOf = async (id: number | undefined) => (await api.call('GET', `/api/v1/devices/${id}/ota`)).campaigns[0];
    expect(await otaOf(waiting[0]?.device_id)).toMatchObject({
      ...{ campaign_id: campaign.id, status: 'QUEUED' },
      explanation: 'Waits: the gate of stage 1 has failed, and the campaign is paused.',
    });
    expect(await otaOf(failed?.device_id)).toMatchObject({
      ...{ campaign_id: campaign.id, status: 'FAILED', reason: 'the image could not be installed' },
    });
    // Nobody beyond the canary was touched.
    const updated = fleet.devices.filter((device) => device.firmwareVersion() === '3.0.0').length;
    expect(updated).toBeLessThan(0.1 * DEVICES);
    await api.call('POST', `/api/v1/campaigns/${campaign.id}/abort`, {});
  }, 120_000);

  test('an image that installs well and then raises alerts is stopped by a gate on the health of updated devices', async () => {
    const rule = { name: 'Too hot', metric: 'temperature', condition: 'gt', threshold: 90, severity: 'CRITICAL' };
    await api.call('POST', '/api/v1/monitoring/alert-rules', { ...rule, scope: { device_type: 'pump' } });
    const gate = [
      { type: 'failed_share', max: 0.1 },
      { type: 'alerts', ratio: 2, floor: 0.1 },
      { type: 'bake_time', seconds: 3 },
    ];
    const campaign = await plan('4.0.0', { stages: [{ percent: 10, gate }, { percent: 100 }], on_fail: 'abort' });
    const measured: Promise<unknown>[] = [];
    const measure = async ({ deviceUid, secret }: CampaignFleet['members'][number], temperature: number) => {
      const response = await fetch(`${server.httpUrl}/api/v1/ingest/telemetry`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          authorization: `Basic ${Buffer.from(`${deviceUid}:${secret}`).toString('base64')}`,
        },
        body: JSON.stringify({ metrics: { temperature } }),
      });
      expect(response.status).toBe(200);
    };
    fleet.onUpdate = (member, _campaignId, step) => {
      if (step === 'installed') measured.push(measure(member, 95));
    };
    for (const member of fleet.members.slice(0, 20)) measured.push(measure(member, 40));
    await campaign.start();
    const stopped = await driveTo(api, campaign.id, 'ABORTED');
    await Promise.all(measured);
    expect(stopped).toMatchObject({ reason: 'gate', stage: 0, counts: { FAILED: 0 } });
    expect(stopped.gate).toContainEqual(
      expect.objectContaining({ type: 'alerts', result: 'fail', figures: expect.objectContaining({ others: 0 }) }),
    );
    const members = await listMembers(api, campaign.id);
    expect(members.filter(({ attempts }) => attempts > 0).length).toBeLessThanOrEqual(0.1 * DEVICES);
    expect(members.filter(({ status }) => status === 'CANCELLED').length).toBeGreaterThanOrEqual(0.9 * DEVICES);
  }, 120_000);
});
