import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { connect } from 'mqtt';
import { io, type Socket } from 'socket.io-client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiClient, type RegisteredDevice, signIn, signInAsSuperuser } from '../support/api-client.ts';
import { type ServerProcess, type ServerSettings, startServer } from '../support/server-process.ts';

const run = promisify(execFile);
const YESTERDAY = new Date(Date.now() - 86_400_000).toISOString();

/** Where the scenario runs: what the server is started with, and what is cleaned up after it. */
export interface ScenarioWorld {
  /** With DATA_DIR. */
  readonly settings: ServerSettings;
  close(): void | Promise<void>;
}

/** Publishes as the README says. @throws when mosquitto_pub is refused */
async function mosquittoPub(
  server: ServerProcess,
  user: { uid: string; secret: string } | null,
  topic: string,
  payload: string,
) {
  const login = user === null ? [] : ['-u', user.uid, '-P', user.secret];
  await run('mosquitto_pub', ['-p', String(server.mqttPort), ...login, '-q', '1', '-t', topic, '-m', payload], {
    timeout: 10_000,
  });
}

function nextEvent<T>(socket: Socket, event: string, matches: (data: T) => boolean = () => true): Promise<T> {
  return new Promise((resolve) => {
    const listener = (data: T) => {
      if (!matches(data)) return;
      socket.off(event, listener);
      resolve(data);
    };
    socket.on(event, listener);
  });
}

async function openDashboard(server: ServerProcess, token: string, namespace: string): Promise<Socket> {
  const socket = io(`${server.httpUrl}${namespace}`, {
    auth: { token },
    transports: ['websocket'],
    reconnection: false,
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('connect_error', reject);
  });
  return socket;
}

interface TelemetryEvent {
  readonly device_uid: string;
  readonly timestamp: string;
  readonly metrics: Readonly<Record<string, unknown>>;
}

/** The main job, with real clients against the real process: the same wherever it stores and whichever broker it uses. */
export function mainPathScenario(name: string, open: () => Promise<ScenarioWorld>): void {
  describe(`devices send, core-api stores, people see it live: ${name}`, () => {
    let world: ScenarioWorld;
    const sockets: Socket[] = [];
    let server: ServerProcess;
    let api: ApiClient;
    let device: RegisteredDevice;
    let other: RegisteredDevice;

    beforeAll(async () => {
      world = await open();
      server = await startServer(world.settings);
      api = await signInAsSuperuser(server, world.settings);
      device = await api.registerDevice({ name: 'First' });
      other = await api.registerDevice({ name: 'Second' });
    });
    afterAll(async () => {
      for (const socket of sockets) socket.disconnect();
      expect(await server.end('SIGTERM')).toBe(0);
      await world.close();
    });

    const dashboard = async (token = api.token, namespace = '/monitoring') => {
      const socket = await openDashboard(server, token, namespace);
      sockets.push(socket);
      return socket;
    };
    /** Some brokers refuse, some acknowledge and drop what they do not allow. */
    const publishInVain = (user: RegisteredDevice, topic: string, payload: string) =>
      mosquittoPub(server, user, topic, payload).catch(() => {});
    const latest = async (id: number) => (await api.call('GET', `/api/v1/devices/${id}/telemetry/latest`)).metrics;

    test('a message of mosquitto_pub is stored, is the latest value, and was seen live', async () => {
      const socket = await dashboard();
      expect(await socket.emitWithAck('subscribe', { device_uid: device.uid })).toEqual({ ok: true });
      const seen = nextEvent<TelemetryEvent>(socket, 'telemetry');
      await mosquittoPub(
        server,
        device,
        `devices/${device.uid}/telemetry`,
        JSON.stringify({ timestamp: YESTERDAY, metrics: { temperature: 21.5 } }),
      );
      // With a broker of its own an acknowledgement is the broker's: then it is there a moment later.
      await expect.poll(() => latest(device.id)).toEqual({ temperature: { value: 21.5, timestamp: YESTERDAY } });
      expect(await seen).toEqual({
        device_uid: device.uid,
        timestamp: YESTERDAY,
        metrics: { temperature: 21.5 },
      });
    });

    test('what is not allowed arrives nowhere', async () => {
      const socket = await dashboard();
      await socket.emitWithAck('subscribe', { device_uid: device.uid });
      const events: TelemetryEvent[] = [];
      socket.on('telemetry', (event: TelemetryEvent) => events.push(event));
      const bad = '{"temperature":-99}';
      const rotated = { ...(await api.registerDevice()) };
      const { password } = (await api.call('POST', `/api/v1/devices/${rotated.id}/credentials`)).credentials;
      await publishInVain(other, `devices/${device.uid}/telemetry`, bad);
      await expect(mosquittoPub(server, null, `devices/${device.uid}/telemetry`, bad)).rejects.toThrow();
      await expect(
        mosquittoPub(server, { uid: device.uid, secret: other.secret }, `devices/${device.uid}/telemetry`, bad),
      ).rejects.toThrow();
      await expect(mosquittoPub(server, rotated, `devices/${rotated.uid}/telemetry`, bad)).rejects.toThrow();
      for (const topic of [
        `devices/${device.uid}/command`,
        `devices/${device.uid}`,
        'anything',
        '$SYS/x',
        `devices/${device.uid}/telemetry/x`,
      ]) {
        await publishInVain(device, topic, bad);
      }
      await mosquittoPub(
        server,
        { uid: rotated.uid, secret: password },
        `devices/${rotated.uid}/telemetry`,
        '{"fine":1}',
      );

      // The last word: what is allowed still arrives, and nothing of the rest came before it.
      const seen = nextEvent<TelemetryEvent>(socket, 'telemetry', (event) => event.metrics['marker'] === true);
      await mosquittoPub(server, device, `devices/${device.uid}/telemetry`, '{"marker":true}');
      await seen;
      expect(
        events.every((event) => event.device_uid === device.uid && event.metrics['temperature'] === undefined),
      ).toBe(true);
      expect((await latest(device.id))['temperature']).toEqual({ value: 21.5, timestamp: YESTERDAY });
      await expect.poll(() => latest(rotated.id)).toMatchObject({ fine: { value: 1 } });
      expect(await latest(other.id)).toEqual({});
    });

    test('rotating a secret cuts the open session', async () => {
      const target = await api.registerDevice();
      const client = connect(server.mqttUrl, { username: target.uid, password: target.secret, reconnectPeriod: 0 });
      await new Promise((resolve) => client.once('connect', resolve));
      const closed = new Promise((resolve) => client.once('close', () => resolve(undefined)));
      await api.call('POST', `/api/v1/devices/${target.id}/credentials`);
      await closed;
      const refused = connect(server.mqttUrl, { username: target.uid, password: target.secret, reconnectPeriod: 0 });
      const error = await new Promise<Error>((resolve) => refused.once('error', resolve));
      expect(error.message).toMatch(/not authorized/i);
      refused.end(true);
    });

    test('status follows the connection and the Last Will, each transition once and in order', async () => {
      const target = await api.registerDevice();
      const socket = await dashboard();
      await socket.emitWithAck('subscribe', { device_uid: target.uid });
      const seen: string[] = [];
      socket.on('device_status', (event: { status: string }) => seen.push(event.status));
      const client = connect(server.mqttUrl, {
        username: target.uid,
        password: target.secret,
        reconnectPeriod: 0,
        will: {
          topic: `devices/${target.uid}/status`,
          payload: Buffer.from('{"status":"ERROR"}'),
          qos: 1,
          retain: false,
        },
      });
      const online = nextEvent<{ status: string }>(socket, 'device_status', (event) => event.status === 'ONLINE');
      await online;
      const offline = nextEvent<{ status: string }>(socket, 'device_status', (event) => event.status === 'OFFLINE');
      client.stream.destroy();
      await offline;
      expect(seen).toEqual(['ONLINE', 'ERROR', 'OFFLINE']);
      const logged = async () => {
        const { items } = await api.call(
          'GET',
          `/api/v1/devices/${target.id}/logs?event_type=status_changed&order=asc`,
        );
        return items.map((log: { payload: { to: string } }) => log.payload.to);
      };
      // A transition is shown when it is stored, and logged right after.
      await expect.poll(logged).toEqual(['ONLINE', 'ERROR', 'OFFLINE']);
      expect((await api.call('GET', `/api/v1/devices/${target.id}`)).status).toBe('OFFLINE');
    });

    test('a USER sees live what it owns and nothing else, and loses it with the device or the account', async () => {
      const credentials = { email: 'user@example.com', password: 'a long password' };
      const user = await api.call('POST', '/api/v1/users', { ...credentials, role: 'USER' });
      const own = await api.registerDevice({ owner_id: user.id });
      const owner = await signIn(server, credentials);
      const socket = await dashboard(owner.token);
      expect(await socket.emitWithAck('subscribe', { device_uid: own.uid })).toEqual({ ok: true });
      expect(await socket.emitWithAck('subscribe', { device_uid: device.uid })).toMatchObject({ ok: false });
      expect(await socket.emitWithAck('subscribe', { all: true })).toMatchObject({ ok: false, code: 'forbidden' });
      await expect(owner.call('GET', `/api/v1/devices/${device.id}/telemetry/latest`)).rejects.toThrow('404');

      await api.call('PATCH', `/api/v1/devices/${own.id}`, { owner_id: null });
      const events: unknown[] = [];
      socket.on('telemetry', (event: unknown) => events.push(event));
      await mosquittoPub(server, own, `devices/${own.uid}/telemetry`, '{"secret":1}');
      expect(await socket.emitWithAck('subscribe', { device_uid: own.uid })).toMatchObject({ ok: false });
      expect(events).toEqual([]);

      const ended = new Promise((resolve) => socket.once('disconnect', resolve));
      await api.call('PATCH', `/api/v1/users/${user.id}`, { is_active: false });
      await ended;
      await expect(owner.call('GET', '/api/v1/users/me')).rejects.toThrow('401');
      await expect(openDashboard(server, owner.token, '/monitoring')).rejects.toThrow();
    });

    test('a broadcast is on the screen of who is connected, and in the list of everybody', async () => {
      const user = { email: 'told@example.com', password: 'correct horse battery' };
      await api.call('POST', '/api/v1/auth/register', user);
      const [theirs, mine] = [await signIn(server, user), api];
      const screen = await dashboard(theirs.token, '/notification');
      const shown = nextEvent<{ title: string }>(screen, 'notification');
      await mine.call('POST', '/api/v1/notifications/broadcast', { title: 'Hello', message: 'All of you.' });
      const notification = await shown;
      expect(notification).toMatchObject({ type: 'broadcast', title: 'Hello', is_read: false });
      const list = async (who: ApiClient) => (await who.call('GET', '/api/v1/notifications')).items;
      expect(await list(theirs)).toEqual([notification]);
      await expect.poll(() => list(mine)).toMatchObject([{ title: 'Hello' }]);
    });

    test('a rule raises an alert, which is seen live, acknowledged and cleared', async () => {
      const target = await api.registerDevice();
      const rule = { name: 'Too hot', metric: 'temperature', condition: 'gt', threshold: 30, severity: 'WARNING' };
      await api.call('POST', '/api/v1/monitoring/alert-rules', { ...rule, scope: { device_id: target.id } });
      const socket = await dashboard();
      await socket.emitWithAck('subscribe', { device_uid: target.uid });
      const say = (temperature: number) =>
        mosquittoPub(server, target, `devices/${target.uid}/telemetry`, JSON.stringify({ temperature }));
      const raised = nextEvent<{ id: number; status: string; value: number }>(socket, 'alert');
      await say(31);
      const { id, ...alert } = await raised;
      expect(alert).toMatchObject({ status: 'ACTIVE', value: 31, device_uid: target.uid });
      await api.call('POST', `/api/v1/monitoring/alerts/${id}/acknowledge`);
      const cleared = nextEvent<{ status: string }>(socket, 'alert', ({ status }) => status === 'CLEARED');
      await say(29);
      expect(await cleared).toMatchObject({ id, is_acknowledged: true, last_value: 31, occurrences: 1 });
    });

    test('HTTP ingest answers after the commit with what became of each item', async () => {
      const target = await api.registerDevice();
      const authorization = `Basic ${Buffer.from(`${target.uid}:${target.secret}`).toString('base64')}`;
      const send = (type: string, body: string, path = 'telemetry') =>
        fetch(`${server.httpUrl}/api/v1/ingest/${path}`, {
          method: 'POST',
          headers: { authorization, 'content-type': type },
          body,
        });
      const at = YESTERDAY;
      const array = await send(
        'application/json',
        JSON.stringify([{ timestamp: at, metrics: { a: 1 } }, { timestamp: at, metrics: { a: 2, b: 1 } }, 5]),
      );
      expect(await array.json()).toEqual({ stored: 1, merged: 1, rejected: [{ index: 2, reason: 'not_an_object' }] });
      const lines = await send('application/x-ndjson', '{"c":1}\nnot json\n{"c":null}\n');
      expect(await lines.json()).toEqual({
        stored: 1,
        merged: 0,
        rejected: [
          { index: 1, reason: 'invalid_json' },
          { index: 2, reason: 'empty_metrics' },
        ],
      });
      expect((await send('application/json', '{"status":"MAINTENANCE"}', 'status')).status).toBe(200);
      expect((await send('application/json', '{"a":')).status).toBe(400);
      expect((await send('application/json', '[]')).status).toBe(422);
      const stored = await api.call('GET', `/api/v1/devices/${target.id}/telemetry?metrics=a,b`);
      expect(stored.items).toEqual([{ timestamp: at, metrics: { a: 2, b: 1 } }]);
      expect(await api.ledger(target.id)).toMatchObject({ received: 7, stored: 3, merged: 1, in_flight: 0 });
      const stranger = `Basic ${Buffer.from(`${target.uid}:wrong`).toString('base64')}`;
      const refused = await fetch(`${server.httpUrl}/api/v1/ingest/telemetry`, {
        method: 'POST',
        headers: { authorization: stranger },
        body: '{}',
      });
      expect(refused.status).toBe(401);
    });
  });
}
