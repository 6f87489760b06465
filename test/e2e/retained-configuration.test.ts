import { connectAsync } from 'mqtt';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type RegisteredDevice, signIn, signInAsSuperuser } from '../support/api-client.ts';
import { temporaryFolder } from '../support/folders.ts';
import { type ServerProcess, type ServerSettings, startServer } from '../support/server-process.ts';
import { devicePortOf } from '../support/servers/mosquitto.ts';
import { describeWithServer } from '../support/servers.ts';

/* A device that subscribes is told what it has to have, whatever restarted before. */

let folder: ReturnType<typeof temporaryFolder>;
let server: ServerProcess | undefined;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(async () => {
  await server?.end('SIGKILL');
  folder.remove();
});

/**
 * What the device is told of this version when it subscribes. A server that has just started may still be comparing what the broker
 * retains: then an older one comes first.
 */
async function told(url: string, { uid, secret }: RegisteredDevice, version: number): Promise<unknown> {
  const client = await connectAsync(url, { username: uid, password: secret, reconnectPeriod: 100 });
  try {
    const message = new Promise<unknown>((resolve) =>
      client.on('message', (_topic, payload) => {
        const { config, ...said } = JSON.parse(payload.toString());
        if (said.version >= version) resolve({ ...said, config });
      }),
    );
    await client.subscribeAsync(`devices/${uid}/config`, { qos: 1 });
    return await message;
  } finally {
    await client.endAsync(true);
  }
}

async function start(settings: ServerSettings): Promise<ServerProcess> {
  server = await startServer(settings);
  return server;
}

describe('the broker in the process', () => {
  test.each(['SIGTERM', 'SIGKILL'] as const)('after %s of the server', async (signal) => {
    const env = { DATA_DIR: folder.path };
    const first = await start(env);
    const api = await signInAsSuperuser(first, env);
    const device = await api.registerDevice();
    await api.call('PUT', `/api/v1/devices/${device.id}/config`, { interval: 30 });
    expect(await told(first.mqttUrl, device, 1)).toEqual({ version: 1, config: { interval: 30 } });
    await api.call('PATCH', `/api/v1/devices/${device.id}/config`, { interval: 60 });
    await first.end(signal);
    const again = await start(env);
    expect(await told(again.mqttUrl, device, 2)).toEqual({ version: 2, config: { interval: 60 } });
  });
});

await describeWithServer(
  'mosquitto',
  (mosquitto) => {
    test('a Mosquitto that restarts, one that lost what it kept, and a server that restarts', async () => {
      const env = { DATA_DIR: folder.path, MQTT_URL: mosquitto.url };
      const url = `mqtt://127.0.0.1:${devicePortOf(mosquitto.url)}`;
      const first = await start(env);
      let api = await signInAsSuperuser(first, env);
      const device = await api.registerDevice();
      const address = `/api/v1/devices/${device.id}/config`;
      await api.call('PUT', address, { interval: 30 });
      expect(await told(url, device, 1)).toEqual({ version: 1, config: { interval: 30 } });

      await mosquitto.restart();
      expect(await told(url, device, 1)).toEqual({ version: 1, config: { interval: 30 } });

      await mosquitto.kill('mosquitto.db');
      await mosquitto.restart();
      expect(await told(url, device, 1)).toEqual({ version: 1, config: { interval: 30 } });

      // Changed while it is away, by a server that ends before it is back.
      await mosquitto.kill();
      await api.call('PATCH', address, { interval: 60 });
      await first.end('SIGKILL');
      await mosquitto.restart();
      const again = await start(env);
      expect(await told(url, device, 2)).toEqual({ version: 2, config: { interval: 60 } });
      api = await signIn(again, { email: 'admin@example.com', password: 'correct horse battery' });
      await api.call('PUT', address, { interval: 90 });
      expect(await told(url, device, 3)).toEqual({ version: 3, config: { interval: 90 } });
    });
  },
  { own: true },
);
