import { randomBytes } from 'node:crypto';
import { io, type Socket } from 'socket.io-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { referenceAlerts } from '../support/alert-reference.ts';
import { type ApiClient, type RegisteredDevice, signInAsSuperuser } from '../support/api-client.ts';
import { temporaryFolder } from '../support/folders.ts';
import { type ServerProcess, type ServerSettings, startServer } from '../support/server-process.ts';
import { devicePortOf } from '../support/servers/mosquitto.ts';
import { describeWithServers } from '../support/servers.ts';

const DEVICES = 4;
const SAMPLES = 60;
const RULE = {
  name: 'Too hot',
  metric: 'temperature',
  condition: 'gt',
  threshold: 30,
  clear_threshold: 28,
  for_seconds: 8,
  severity: 'WARNING',
};

/** Up and down around the thresholds, another way for each device. */
const temperatureAt = (device: number, step: number) => 29 + Math.round(4 * Math.sin((step * (device + 2)) / 5));

await describeWithServers(['mariadb', 'mongodb', 'redis', 'mosquitto'], ({ mariadb, mongodb, redis, mosquitto }) => {
  const folder = temporaryFolder();
  const database = `core_api_${randomBytes(6).toString('hex')}`;
  const at = (url: string) => {
    const address = new URL(url);
    address.pathname = `/${database}`;
    return address.href;
  };
  const settings: ServerSettings = {
    DATA_DIR: folder.path,
    DATABASE_URL: at(mariadb.url),
    DOCUMENTS_URL: at(mongodb.url),
    REDIS_URL: redis.url,
    MQTT_URL: mosquitto.url,
    MQTT_PUBLIC_URL: `mqtt://127.0.0.1:${devicePortOf(mosquitto.url)}`,
  };
  const ingest: ServerProcess[] = [];
  let front: ServerProcess;
  let api: ApiClient;
  let socket: Socket;
  const seen: { readonly device_uid: string; readonly status: string }[] = [];

  beforeAll(async () => {
    front = await startServer({ ...settings, ROLES: 'api,worker' });
    ingest.push(...(await Promise.all([1, 2].map(() => startServer({ ...settings, ROLES: 'ingest' })))));
    api = await signInAsSuperuser(front, settings);
    socket = io(`${front.httpUrl}/monitoring`, { auth: { token: api.token }, transports: ['websocket'] });
    socket.on('alert', (alert) => seen.push(alert));
    await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
    expect(await socket.emitWithAck('subscribe', { all: true })).toEqual({ ok: true });
  });
  afterAll(async () => {
    socket?.disconnect();
    await Promise.all([front, ...ingest].map((server) => server?.end('SIGKILL')));
    folder.remove();
  });

  async function send(to: number, { uid, secret }: RegisteredDevice, timestamp: number, temperature: number) {
    const response = await fetch(`${ingest[to]?.httpUrl}/api/v1/ingest/telemetry`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Basic ${Buffer.from(`${uid}:${secret}`).toString('base64')}`,
      },
      body: JSON.stringify({ timestamp, metrics: { temperature } }),
    });
    expect(response.status).toBe(200);
  }
  const alertsOf = async ({ id }: RegisteredDevice, ruleId: number) => {
    const query = `device_id=${id}&rule_id=${ruleId}&is_acknowledged=all&sort=id&size=100`;
    const { items } = await api.call('GET', `/api/v1/monitoring/alerts?${query}`);
    // biome-ignore lint/suspicious/noExplicitAny: as the API answers
    return items.map((alert: any) => ({
      startedAt: Date.parse(alert.started_at),
      value: alert.value,
      occurrences: alert.occurrences,
      lastSeenAt: Date.parse(alert.last_seen_at),
      lastValue: alert.last_value,
      clearedAt: alert.cleared_at === null ? null : Date.parse(alert.cleared_at),
    }));
  };

  test('two ingest processes that see a device’s samples in turn raise the alerts of one, though one is killed', async () => {
    const devices: RegisteredDevice[] = [];
    for (let made = 0; made < DEVICES; made += 1) devices.push(await api.registerDevice({ device_type: 'oven' }));
    const scope = { device_type: 'oven' };
    const rule = await api.call('POST', '/api/v1/monitoring/alert-rules', { ...RULE, scope });
    // What is stored after the rule was made is judged, whoever dies.
    const start = Date.now() + 1;
    const readings = devices.map((_, device) =>
      Array.from({ length: SAMPLES }, (_, step) => ({
        timestamp: start + step * 4_000,
        value: temperatureAt(device, step),
      })),
    );
    for (let step = 0; step < SAMPLES; step += 1) {
      if (step === SAMPLES / 2) {
        await ingest[0]?.end('SIGKILL');
        ingest[0] = await startServer({ ...settings, ROLES: 'ingest' });
      }
      await Promise.all(
        devices.map((device, index) =>
          send((step + index) % 2, device, start + step * 4_000, temperatureAt(index, step)),
        ),
      );
    }
    const terms = { ...RULE, clearThreshold: 28, forSeconds: 8, clearForSeconds: 0, cooldownSeconds: 0 };
    for (const [index, device] of devices.entries()) {
      const expected = referenceAlerts(terms, [readings[index] ?? []]);
      expect(expected.length).toBeGreaterThan(0);
      await expect.poll(() => alertsOf(device, rule.id), { timeout: 20_000 }).toEqual(expected);
    }
  });

  test('a changed rule counts in both at once, and each alert is seen once', async () => {
    const device = await api.registerDevice({ device_type: 'kiln' });
    const { for_seconds: _, ...atOnce } = RULE;
    const rule = await api.call('POST', '/api/v1/monitoring/alert-rules', {
      ...atOnce,
      scope: { device_id: device.id },
    });
    const start = Date.now() + 1;
    await send(0, device, start, 29);
    await send(1, device, start + 1, 29);
    await api.call('PATCH', `/api/v1/monitoring/alert-rules/${rule.id}`, { threshold: 20, clear_threshold: null });
    await send(1, device, start + 1_000, 25);
    await send(0, device, start + 2_000, 15);
    await send(1, device, start + 3_000, 26);
    await expect
      .poll(() => alertsOf(device, rule.id), { timeout: 20_000 })
      .toMatchObject([
        { value: 25, clearedAt: start + 2_000 },
        { value: 26, clearedAt: null },
      ]);
    const mine = () => seen.filter(({ device_uid }) => device_uid === device.uid).map(({ status }) => status);
    await expect.poll(mine).toEqual(['ACTIVE', 'CLEARED', 'ACTIVE']);
  });
});
