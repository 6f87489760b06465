import { randomBytes } from 'node:crypto';
import { afterEach, expect, test } from 'vitest';
import type { Mishap } from '#main/commands/fleet/mishaps.ts';
import { type SimulatedDevice, startSimulatedDevice } from '#main/commands/fleet/simulated-device.ts';
import { signInAsSuperuser } from '../support/api-client.ts';
import { temporaryFolder } from '../support/folders.ts';
import { type ServerProcess, startServer } from '../support/server-process.ts';

const folder = temporaryFolder();
let server: ServerProcess | undefined;
const running: SimulatedDevice[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((device) => device.stop()));
  await server?.end('SIGKILL');
  folder.remove();
});

const DOWNLOADING = ['QUEUED', 'OFFERED', 'DOWNLOADING'];
const WELL = [...DOWNLOADING, 'DOWNLOADED', 'INSTALLING', 'SUCCEEDED'];
const ENDS: Readonly<Record<'well' | Extract<Mishap, `update_${string}`>, readonly string[]>> = {
  well: WELL,
  update_power_cut: WELL,
  update_damaged: [...DOWNLOADING, ...WELL],
  update_rolled_back: [...WELL.slice(0, -1), 'FAILED'],
  update_fails: [...DOWNLOADING, 'DOWNLOADED', ...DOWNLOADING, 'DOWNLOADED', 'FAILED'],
};
const DEVICES_EACH = 3;

test('simulated devices end a campaign each as it was told to', async () => {
  const env = { DATA_DIR: folder.path };
  server = await startServer(env);
  const { mqttUrl: brokerUrl, httpUrl } = server;
  const api = await signInAsSuperuser(server, env);
  const { keys } = await api.call('GET', '/api/v1/firmware-keys');
  const firmwareKeys = [{ keyId: keys[0].key_id, publicKey: keys[0].public_key }];
  const uploaded = await fetch(`${httpUrl}/api/v1/firmware?device_type=pump&version=2.0.0`, {
    method: 'POST',
    headers: { authorization: `Bearer ${api.token}`, 'content-type': 'application/octet-stream' },
    body: randomBytes(100_000),
  });
  const { id: firmware_id, sha256 } = (await uploaded.json()) as { id: number; sha256: string };

  const ends = new Map<number, readonly string[]>();
  for (const [mishap, end] of Object.entries(ENDS)) {
    for (let count = 0; count < DEVICES_EACH; count += 1) {
      const { id, uid, secret } = await api.registerDevice({ device_type: 'pump' });
      ends.set(id, end);
      running.push(
        startSimulatedDevice(
          { deviceUid: uid, secret, model: 'pump', seed: id, firmwareKeys },
          {
            brokerUrl,
            ...{ intervalMs: 500, stepMs: 5, restartMs: 50, reconnectMs: 100, startWithinMs: 200 },
            mishaps: (each) => each === mishap,
          },
        ),
      );
    }
  }
  await expect.poll(() => running.every((device) => device.isConnected()), { timeout: 20_000 }).toBe(true);

  const { id } = await api.call('POST', '/api/v1/campaigns', {
    name: 'All kinds of devices',
    firmware_id,
    target: { all: true },
    stages: [{ percent: 100, gate: [{ type: 'failed_share', max: 1 }] }],
    retries: { max: 1, backoff_seconds: 1 },
  });
  await api.call('POST', `/api/v1/campaigns/${id}/start`);
  const isOver = async () => {
    // Retries are looked for once a minute otherwise.
    await api.call('POST', '/api/v1/system/jobs/ota_batch/run', { data: {} });
    return (await api.call('GET', `/api/v1/campaigns/${id}`)).status;
  };
  await expect.poll(isOver, { timeout: 60_000, interval: 500 }).toBe('COMPLETED');

  const { items } = await api.call('GET', `/api/v1/campaigns/${id}/devices?size=100`);
  for (const { device_id, history } of items) {
    expect(history.map(({ status }: { status: string }) => status)).toEqual(ends.get(device_id));
    expect((await api.ledger(device_id)).rejected).toEqual({});
  }
  for (const device of running) expect(device.downloads.at(-1)).toMatchObject({ version: '2.0.0', sha256 });
}, 120_000);
