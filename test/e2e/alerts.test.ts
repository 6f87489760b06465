import { connect, type MqttClient } from 'mqtt';
import { io, type Socket } from 'socket.io-client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiClient, type RegisteredDevice, signIn, signInAsSuperuser } from '../support/api-client.ts';
import { temporaryFolder } from '../support/folders.ts';
import { freePort, type ServerProcess, type ServerSettings, startServer } from '../support/server-process.ts';

const ADMIN = { email: 'admin@example.com', password: 'correct horse battery' };

interface AlertEvent {
  readonly id: number;
  readonly device_uid: string;
  readonly status: string;
  readonly is_acknowledged: boolean;
  readonly value: unknown;
}

describe('a device sends, people are alerted', () => {
  const folder = temporaryFolder();
  let settings: ServerSettings;
  let server: ServerProcess;
  let api: ApiClient;
  const clients: MqttClient[] = [];
  const sockets: Socket[] = [];

  beforeAll(async () => {
    const [HTTP_PORT, MQTT_PORT] = [String(await freePort()), String(await freePort())];
    settings = { DATA_DIR: folder.path, HTTP_PORT, MQTT_PORT };
    server = await startServer(settings);
    api = await signInAsSuperuser(server, settings);
  });
  afterAll(async () => {
    for (const client of clients) client.end(true);
    for (const socket of sockets) socket.disconnect();
    await server.end('SIGTERM');
    folder.remove();
  });

  async function device(): Promise<RegisteredDevice> {
    const registered = await api.registerDevice();
    await api.call('POST', '/api/v1/monitoring/alert-rules', {
      name: 'Too hot',
      metric: 'temperature',
      condition: 'gt',
      threshold: 30,
      severity: 'CRITICAL',
      scope: { device_id: registered.id },
    });
    return registered;
  }
  async function connected({ uid, secret }: RegisteredDevice): Promise<MqttClient> {
    const client = connect(server.mqttUrl, { username: uid, password: secret, reconnectPeriod: 0 });
    clients.push(client);
    client.on('error', () => {});
    await new Promise((resolve) => client.once('connect', resolve));
    return client;
  }
  const send = (client: MqttClient, { uid }: RegisteredDevice, temperature: number, timestamp?: number) =>
    client.publishAsync(`devices/${uid}/telemetry`, JSON.stringify({ timestamp, metrics: { temperature } }), {
      qos: 1,
    });
  async function watch({ uid }: RegisteredDevice): Promise<AlertEvent[]> {
    const seen: AlertEvent[] = [];
    const socket = io(`${server.httpUrl}/monitoring`, {
      auth: { token: api.token },
      transports: ['websocket'],
      reconnection: false,
    });
    sockets.push(socket);
    socket.on('alert', (alert: AlertEvent) => seen.push(alert));
    await new Promise<void>((resolve) => socket.once('connect', resolve));
    expect(await socket.emitWithAck('subscribe', { device_uid: uid })).toEqual({ ok: true });
    return seen;
  }
  async function restart(how: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    await server.end(how);
    server = await startServer(settings);
    api = await signIn(server, ADMIN);
  }
  const alertsOf = async ({ id }: RegisteredDevice) =>
    (await api.call('GET', `/api/v1/monitoring/alerts?device_id=${id}&is_acknowledged=all&sort=id`)).items;

  test('live, acknowledged, and cleared after a restart in between', async () => {
    const hot = await device();
    const other = await device();
    const seen = await watch(hot);
    const elsewhere = await watch(other);
    await send(await connected(hot), hot, 31);
    await expect.poll(() => seen).toMatchObject([{ device_uid: hot.uid, status: 'ACTIVE', value: 31 }]);
    const [raised] = seen;
    await api.call('POST', `/api/v1/monitoring/alerts/${raised?.id}/acknowledge`);
    await expect.poll(() => seen).toMatchObject([raised, { id: raised?.id, is_acknowledged: true, status: 'ACTIVE' }]);
    const mine = () => api.call('GET', '/api/v1/notifications');
    await expect
      .poll(async () => (await mine()).items, { timeout: 10_000 })
      .toMatchObject([
        { type: 'alert', title: 'CRITICAL: Too hot', data: { alert_id: raised?.id, device_uid: hot.uid } },
      ]);

    await restart('SIGTERM');
    const seenAfter = await watch(hot);
    const client = await connected(hot);
    await send(client, hot, 32);
    await send(client, hot, 29);
    await expect.poll(() => seenAfter).toMatchObject([{ id: raised?.id, status: 'CLEARED', is_acknowledged: true }]);
    expect(await alertsOf(hot)).toMatchObject([{ occurrences: 2, value: 31, last_value: 32 }]);
    expect(elsewhere).toEqual([]);
  });

  test('what was acknowledged to the device is judged, though the server is killed at once', async () => {
    // The clocks of some are an hour slow: what they send was measured before the rule was made.
    const devices = await Promise.all(Array.from({ length: 6 }, device));
    const mqtt = await Promise.all(devices.map(connected));
    await Promise.all(
      devices.map(async (each, index) => {
        const timestamp = index % 2 === 0 ? undefined : Date.now() - 3_600_000;
        await send(mqtt[index] as MqttClient, each, 40 + index, timestamp);
      }),
    );
    await restart('SIGKILL');
    for (const [index, each] of devices.entries()) {
      await expect
        .poll(() => alertsOf(each), { timeout: 15_000 })
        .toMatchObject([{ status: 'ACTIVE', value: 40 + index }]);
    }
  });
});
