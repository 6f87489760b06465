import { randomBytes } from 'node:crypto';
import { io, type Socket } from 'socket.io-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiClient, signInAsSuperuser } from '../support/api-client.ts';
import { type Flood, startFlood } from '../support/flood.ts';
import { expectAllStored, registerDevices } from '../support/flood-proof.ts';
import { temporaryFolder } from '../support/folders.ts';
import { type ServerProcess, type ServerSettings, startServer } from '../support/server-process.ts';
import { devicePortOf } from '../support/servers/mosquitto.ts';
import { describeWithServers } from '../support/servers.ts';

const DEVICES = 20;
/** Messages that have to be acknowledged between one misfortune and the next. */
const BETWEEN = 500;
/** Every second device leaves the time to the server. */
const hasTimestamps = (index: number) => index % 2 === 0;

await describeWithServers(
  ['mariadb', 'mongodb', 'redis', 'mosquitto'],
  ({ mariadb, mongodb, redis, mosquitto }) => {
    const folder = temporaryFolder();
    const database = `core_api_${randomBytes(6).toString('hex')}`;
    const at = (url: string) => {
      const address = new URL(url);
      address.pathname = `/${database}`;
      return address.href;
    };
    const processes = new Map<string, ServerProcess>();
    const mqttUrl = `mqtt://127.0.0.1:${devicePortOf(mosquitto.url)}`;
    const settings: ServerSettings = {
      // The signing keys, which the processes share.
      DATA_DIR: folder.path,
      DATABASE_URL: at(mariadb.url),
      DOCUMENTS_URL: at(mongodb.url),
      REDIS_URL: redis.url,
      MQTT_URL: mosquitto.url,
      MQTT_PUBLIC_URL: mqttUrl,
    };
    let api: ApiClient;
    let apiUrl: string;
    let dashboard: Socket | undefined;
    let flood: Flood | undefined;

    const start = async (name: string, role: 'api' | 'ingest') => {
      const server = await startServer({ ...settings, ROLES: role });
      processes.set(name, server);
      return server;
    };

    /** How many messages a process has stored. */
    async function itemsOf(name: string): Promise<number> {
      const metrics = await (await fetch(`${processes.get(name)?.httpUrl}/metrics`)).text();
      return Number(/^core_api_ingest_items_total (\d+)/m.exec(metrics)?.[1] ?? 0);
    }

    beforeAll(async () => {
      const first = await start('api-1', 'api');
      const [second] = await Promise.all([
        start('api-2', 'api'),
        start('ingest-1', 'ingest'),
        start('ingest-2', 'ingest'),
      ]);
      api = await signInAsSuperuser(first, settings);
      apiUrl = second.httpUrl;
    });
    afterAll(async () => {
      dashboard?.disconnect();
      flood?.close();
      await Promise.all([...processes.values()].map((server) => server.end('SIGKILL')));
      folder.remove();
    });

    test('two ingest and two api processes lose nothing while one is killed, and broker and stores restart', async () => {
      const devices = await registerDevices(api, DEVICES);
      const socket = io(`${apiUrl}/monitoring`, { auth: { token: api.token }, transports: ['websocket'] });
      dashboard = socket;
      await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
      let seen = 0;
      socket.on('telemetry', () => {
        seen += 1;
      });
      // As a page does it: again after each connection that it made anew.
      socket.on('connect', () => void socket.emit('subscribe', { all: true }));
      expect(await socket.emitWithAck('subscribe', { all: true })).toEqual({ ok: true });

      flood = await startFlood(mqttUrl, devices, { window: 5, pauseMs: 50, reconnect: true, hasTimestamps });
      const running = flood;
      const goOn = async () => {
        const before = running.acknowledgedCount();
        await expect
          .poll(() => running.acknowledgedCount(), { timeout: 120_000, interval: 50 })
          .toBeGreaterThan(before + BETWEEN);
      };

      await Promise.all(
        ['ingest-1', 'ingest-2'].map((name) =>
          expect.poll(() => itemsOf(name), { timeout: 20_000 }).toBeGreaterThan(0),
        ),
      );
      await goOn();
      await processes.get('ingest-1')?.end('SIGKILL');
      await goOn();
      await start('ingest-1', 'ingest');
      for (const server of [mariadb, redis, mongodb, mosquitto]) {
        await goOn();
        await server.restart();
      }
      await goOn();
      const seenBefore = seen;
      await expect.poll(() => seen, { timeout: 60_000 }).toBeGreaterThan(seenBefore);

      running.stop();
      await running.settled();
      const acknowledged = running.acknowledgedCount();
      const counted = async () => {
        const ledgers = await Promise.all(devices.map((device) => api.ledger(device.id)));
        return ledgers.every(
          ({ stored, merged }, index) => stored + merged >= (running.acknowledged[index]?.size ?? 0),
        );
      };
      await expect.poll(counted, { timeout: 60_000, interval: 250 }).toBe(true);
      const { stored, again, twice } = await expectAllStored(api, devices, running, hasTimestamps);
      process.stdout.write(
        `replicas: ${acknowledged} acknowledged by the broker, ${stored} stored; ${again} with a time stamp came again and changed nothing, ${twice} without are there twice; the dashboard saw ${seen} updates\n`,
      );
      expect(stored).toBe(acknowledged);
    }, 600_000);
  },
  { own: true },
);
