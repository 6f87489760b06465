import { setTimeout as delay } from 'node:timers/promises';
import { connectAsync } from 'mqtt';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiClient, signInAsSuperuser } from '../support/api-client.ts';
import { temporaryFolder } from '../support/folders.ts';
import { type ServerProcess, startServer } from '../support/server-process.ts';

const folder = temporaryFolder();
let server: ServerProcess;
let api: ApiClient;
beforeAll(async () => {
  server = await startServer({ DATA_DIR: folder.path });
  api = await signInAsSuperuser(server, { DATA_DIR: folder.path });
});
afterAll(async () => {
  await server.end('SIGTERM');
  folder.remove();
});

test('devices that went on while the process stood still are neither cut nor logged OFFLINE', async () => {
  const keepalive = 1;
  const devices = await Promise.all(Array.from({ length: 20 }, () => api.registerDevice()));
  const clients = await Promise.all(
    devices.map(({ uid, secret }) =>
      connectAsync(server.mqttUrl, { username: uid, password: secret, keepalive, reconnectPeriod: 0 }),
    ),
  );
  const cut: string[] = [];
  for (const [index, client] of clients.entries()) {
    client.on('close', () => cut.push(devices[index]?.uid ?? ''));
    // MQTT.js would give up on the answer to its ping after the same time. A device that is more patient:
    client.keepaliveManager.setKeepalive(60);
  }

  process.kill(server.pid, 'SIGSTOP');
  const stoppedAt = performance.now();
  const publishes: Promise<unknown>[] = [];
  while (performance.now() - stoppedAt < 2_500 * keepalive) {
    for (const [index, client] of clients.entries()) {
      publishes.push(client.publishAsync(`devices/${devices[index]?.uid}/telemetry`, '{"a":1}', { qos: 1 }));
    }
    await delay(250);
  }
  process.kill(server.pid, 'SIGCONT');
  await Promise.all(publishes);
  expect(cut).toEqual([]);

  for (const { id } of devices) {
    const { items } = await api.call('GET', `/api/v1/devices/${id}/logs?order=asc`);
    expect(items.map(({ message }: { message: string }) => message)).toEqual(['OFFLINE → ONLINE']);
  }
  await Promise.all(clients.map((client) => client.endAsync()));
});
