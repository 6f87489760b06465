import { setTimeout as sleep } from 'node:timers/promises';
import type { FleetDevice } from '../../src/main/commands/fleet/device-parts.ts';
import { createMishaps, type MishapShares } from '../../src/main/commands/fleet/mishaps.ts';
import { type SimulatedDevice, startSimulatedDevice } from '../../src/main/commands/fleet/simulated-device.ts';
import type { ApiClient } from './api-client.ts';
import type { ServerProcess } from './server-process.ts';

const DEVICE_TYPE = 'pump';

export interface FleetMember extends FleetDevice {
  /** In the API. */
  readonly id: number;
}

export interface CampaignFleet {
  readonly members: readonly FleetMember[];
  readonly devices: readonly SimulatedDevice[];
  /** What goes wrong in a campaign; nothing where nothing was said. */
  readonly mishapsOf: Map<number, MishapShares>;
  /** Told of each step of an update. */
  onUpdate: (member: FleetMember, campaignId: number, step: string) => void;
  /** Whether it cannot install the image of this campaign, by its seed. */
  fails(member: FleetMember, campaignId: number): boolean;
  stop(): Promise<void>;
}

/** As the API shows it. */
export interface ShownMember {
  readonly device_id: number;
  readonly device_uid: string;
  readonly status: string;
  readonly attempts: number;
  readonly reason: string | null;
  readonly history: readonly { readonly status: string; readonly at: string }[];
}

/** Registers so many devices and switches them on. Each run has the same uids, seeds and mishaps. */
export async function startCampaignFleet(api: ApiClient, server: ServerProcess, count: number): Promise<CampaignFleet> {
  const { keys } = await api.call('GET', '/api/v1/firmware-keys');
  const firmwareKeys = [{ keyId: keys[0].key_id, publicKey: keys[0].public_key }];
  const uidOf = (index: number) => `pump-${String(index).padStart(4, '0')}`;
  const rows = Array.from({ length: count }, (_, index) => ({
    ...{ device_uid: uidOf(index), name: `Pump ${index}`, device_type: DEVICE_TYPE },
  }));
  const { rows: imported } = await api.call('POST', '/api/v1/devices/import', rows);
  const ids = new Map<string, number>();
  for (let page = 1; ids.size < count; page += 1) {
    const { items } = await api.call('GET', `/api/v1/devices?size=100&page=${page}&sort=id`);
    for (const { device_uid, id } of items) ids.set(device_uid, id);
  }
  const members = imported.map(
    ({ device_uid, credentials }: { device_uid: string; credentials: { password: string } }, index: number) => ({
      ...{ id: ids.get(device_uid), deviceUid: device_uid, secret: credentials.password },
      ...{ model: DEVICE_TYPE, seed: index + 1, firmwareKeys },
    }),
  ) as readonly FleetMember[];
  const mishapsOf = new Map<number, MishapShares>();
  const happensTo = ({ seed }: FleetMember, campaignId: number) => createMishaps(mishapsOf.get(campaignId) ?? {}, seed);
  const fleet = { onUpdate: (_member: FleetMember, _campaignId: number, _step: string) => {} };
  const devices = members.map((member) =>
    startSimulatedDevice(member, {
      brokerUrl: server.mqttUrl,
      intervalMs: null,
      mishaps: (mishap, campaignId) => happensTo(member, campaignId)(mishap, campaignId),
      ...{ startWithinMs: 1_000, stepMs: 20, restartMs: 300, reconnectMs: 400 },
      onEvent(event) {
        if (event.kind === 'downloaded') fleet.onUpdate(member, event.campaignId, 'downloaded');
        if (event.kind === 'update') fleet.onUpdate(member, event.campaignId, event.outcome);
      },
    }),
  );
  return Object.assign(fleet, {
    ...{ members, devices, mishapsOf },
    fails: (member: FleetMember, campaignId: number) => happensTo(member, campaignId)('update_fails', campaignId),
    stop: async () => void (await Promise.all(devices.map((device) => device.stop()))),
  });
}

/** @returns id and SHA-256 of the firmware */
export async function uploadImage(
  server: ServerProcess,
  api: ApiClient,
  version: string,
  image: Buffer,
): Promise<{ readonly id: number; readonly sha256: string }> {
  const response = await fetch(`${server.httpUrl}/api/v1/firmware?device_type=${DEVICE_TYPE}&version=${version}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${api.token}`, 'content-type': 'application/octet-stream' },
    body: new Uint8Array(image),
  });
  if (response.status !== 201) throw new Error(`the upload was answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as { id: number; sha256: string };
}

/** Where each device of a campaign stands. */
export async function listMembers(api: ApiClient, campaignId: number): Promise<readonly ShownMember[]> {
  const found: ShownMember[] = [];
  for (let page = 1; ; page += 1) {
    const path = `/api/v1/campaigns/${campaignId}/devices?size=100&sort=id&page=${page}`;
    const { items, pages } = await api.call('GET', path);
    found.push(...items);
    if (page >= pages) return found;
  }
}

/** Lets what drives campaigns each minute run now and then, until the campaign is in this state. @returns the campaign */
export async function driveTo(api: ApiClient, campaignId: number, status: string) {
  for (;;) {
    const campaign = await api.call('GET', `/api/v1/campaigns/${campaignId}`);
    if (campaign.status === status) return campaign;
    await api.call('POST', '/api/v1/system/jobs/ota_batch/run', {});
    await sleep(1_000);
  }
}
