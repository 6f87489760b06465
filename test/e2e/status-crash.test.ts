import { connectAsync, type MqttClient } from 'mqtt';
import { afterEach, expect, test } from 'vitest';
import { signInAsSuperuser } from '../support/api-client.ts';
import { registerDevices } from '../support/flood-proof.ts';
import { temporaryFolder } from '../support/folders.ts';
import { type ServerProcess, startServer } from '../support/server-process.ts';

const DEVICES = 40;
const KILLS = 4;

interface Log {
  readonly payload: { readonly from: string; readonly to: string };
}

const folder = temporaryFolder();
let server: ServerProcess | undefined;
afterEach(async () => {
  await server?.end('SIGKILL');
  folder.remove();
});

test('a SIGKILL among changes of status leaves one log for each', async () => {
  const env = { DATA_DIR: folder.path };
  server = await startServer(env);
  const devices = await registerDevices(await signInAsSuperuser(server, env), DEVICES);
  let acknowledged = 0;

  for (let kill = 0; kill < KILLS; kill += 1) {
    const { mqttUrl } = server;
    const clients: MqttClient[] = await Promise.all(
      devices.map(({ uid, secret }) => connectAsync(mqttUrl, { username: uid, password: secret, reconnectPeriod: 0 })),
    );
    const goal = acknowledged + 1_500;
    const change = async (client: MqttClient, index: number) => {
      for (let n = 0; client.connected; n += 1) {
        const status = JSON.stringify({ status: n % 2 === 0 ? 'ERROR' : 'ONLINE' });
        await client.publishAsync(`devices/${devices[index]?.uid}/status`, status, { qos: 1 });
        acknowledged += 1;
      }
    };
    // What was on its way when the server ended is never answered.
    for (const [index, client] of clients.entries()) change(client, index).catch(() => {});
    await expect.poll(() => acknowledged, { timeout: 60_000 }).toBeGreaterThan(goal);
    await server.end('SIGKILL');
    await Promise.all(clients.map((client) => client.endAsync(true)));
    server = await startServer(env);
  }

  const api = await signInAsSuperuser(server, env);
  let transitions = 0;
  for (const { id } of devices) {
    let status = 'OFFLINE';
    let cursor = '';
    for (;;) {
      const page = await api.call(
        'GET',
        `/api/v1/devices/${id}/logs?order=asc&limit=1000&event_type=status_changed${cursor}`,
      );
      for (const { payload } of page.items as Log[]) {
        // One that is missing, or there twice, breaks the chain.
        expect(payload.from).toBe(status);
        status = payload.to;
        transitions += 1;
      }
      if (page.next_cursor === null) break;
      cursor = `&cursor=${page.next_cursor}`;
    }
    expect((await api.call('GET', `/api/v1/devices/${id}`)).status).toBe(status);
  }
  expect(transitions).toBeGreaterThanOrEqual(acknowledged);
  process.stdout.write(`${KILLS} SIGKILLs: ${acknowledged} changes acknowledged, ${transitions} logged, each once\n`);
});
