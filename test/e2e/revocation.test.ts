import { connect, type MqttClient } from 'mqtt';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiClient, type RegisteredDevice, signInAsSuperuser } from '../support/api-client.ts';
import { temporaryFolder } from '../support/folders.ts';
import { type ServerProcess, startServer } from '../support/server-process.ts';
import { devicePortOf } from '../support/servers/mosquitto.ts';
import { describeWithServer } from '../support/servers.ts';

/** From the API's answer to the end of the device's connection. */
const WITHIN_MS = 1_000;

await describeWithServer('mosquitto', ({ url }) => {
  const folder = temporaryFolder();
  const settings = { DATA_DIR: folder.path, MQTT_URL: url, MQTT_PUBLIC_URL: `mqtt://127.0.0.1:${devicePortOf(url)}` };
  const clients: MqttClient[] = [];
  let server: ServerProcess;
  let api: ApiClient;

  beforeAll(async () => {
    server = await startServer(settings);
    api = await signInAsSuperuser(server, settings);
  });
  afterAll(async () => {
    for (const client of clients) client.end(true);
    await server.end('SIGTERM');
    folder.remove();
  });

  /** Resolves when the broker has answered: connected or not. */
  async function logIn(device: RegisteredDevice, secret = device.secret): Promise<MqttClient | Error> {
    const client = connect(server.mqttUrl, { username: device.uid, password: secret, reconnectPeriod: 0 });
    clients.push(client);
    return await new Promise((resolve) => {
      client.once('connect', () => resolve(client));
      client.once('error', resolve);
    });
  }

  /** Logs in and goes on sending until the connection ends; the moment when it does. */
  async function sendUntilCut(device: RegisteredDevice): Promise<{ cut: Promise<number> }> {
    const client = (await logIn(device)) as MqttClient;
    expect(client.connected).toBe(true);
    const cut = new Promise<number>((resolve) => client.once('close', () => resolve(performance.now())));
    const send = () => {
      if (client.connected) client.publish(`devices/${device.uid}/telemetry`, '{"on":true}', { qos: 1 }, send);
    };
    send();
    await expect.poll(async () => (await api.ledger(device.id)).received).toBeGreaterThan(0);
    return { cut };
  }

  test.each(['rotated', 'deleted'])(
    'a device whose secret was %s is out within a second, and stays out',
    async (what) => {
      const device = await api.registerDevice();
      const bystander = await api.registerDevice();
      const undisturbed = (await logIn(bystander)) as MqttClient;
      const { cut } = await sendUntilCut(device);
      const path = `/api/v1/devices/${device.id}`;
      const answer = await (what === 'rotated' ? api.call('POST', `${path}/credentials`) : api.call('DELETE', path));
      const answeredAt = performance.now();
      const refused = await logIn(device);
      expect(refused).toMatchObject({ code: 5 });
      expect((await cut) - answeredAt).toBeLessThan(WITHIN_MS);
      process.stdout.write(
        `${what}: its connection ended ${Math.round((await cut) - answeredAt)} ms after the answer\n`,
      );
      expect(undisturbed.connected).toBe(true);
      if (what === 'deleted') return;
      expect(((await logIn(device, answer.credentials.password)) as MqttClient).connected).toBe(true);
    },
  );
});
