import { randomBytes } from 'node:crypto';
import { io } from 'socket.io-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiClient, signInAsSuperuser } from '../support/api-client.ts';
import { type Flood, startFlood } from '../support/flood.ts';
import { expectNothingLost, registerDevices } from '../support/flood-proof.ts';
import { temporaryFolder } from '../support/folders.ts';
import { type ServerProcess, type ServerSettings, startServer } from '../support/server-process.ts';
import { devicePortOf } from '../support/servers/mosquitto.ts';
import { describeWithServers } from '../support/servers.ts';

const DEVICES = 20;
/** Messages that have to be acknowledged between one misfortune and the next. */
const BETWEEN = 500;

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
    let settings: ServerSettings;
    let api: ApiClient;
    let flood: Flood | undefined;

    const start = async (name: string, role: 'api' | 'ingest') => {
      const server = await startServer({ ...settings, ROLES: role, INSTANCE_ID: name });
      processes.set(name, server);
      return server;
    };

    beforeAll(async () => {
      settings = {
        // The signing keys, which the processes share.
        DATA_DIR: folder.path,
        DATABASE_URL: at(mariadb.url),
        DOCUMENTS_URL: at(mongodb.url),
        REDIS_URL: redis.url,
        MQTT_URL: mosquitto.url,
        MQTT_PUBLIC_URL: `mqtt://127.0.0.1:${devicePortOf(mosquitto.url)}`,
      };
      const first = await start('api-1', 'api');
      await Promise.all([start('api-2', 'api'), start('ingest-1', 'ingest'), start('ingest-2', 'ingest')]);
      api = await signInAsSuperuser(first, settings);
    });
    afterAll(async () => {
      flood?.close();
      await Promise.all([...processes.values()].map((server) => server.end('SIGKILL')));
      folder.remove();
    });

    // The broker is not restarted here: Mosquitto 2.0 forgets shared subscriptions then (docs/operations.md).
    test('two ingest and two api processes lose nothing while one is killed and every store restarts', async () => {
      const devices = await registerDevices(api, DEVICES);
      const { httpUrl } = processes.get('api-2') ?? (await start('api-2', 'api'));
      const dashboard = io(`${httpUrl}/monitoring`, { auth: { token: api.token }, transports: ['websocket'] });
      await new Promise<void>((resolve) => dashboard.once('connect', () => resolve()));
      expect(await dashboard.emitWithAck('subscribe', { all: true })).toEqual({ ok: true });
      let seen = 0;
      dashboard.on('telemetry', () => {
        seen += 1;
      });

      const { mqttUrl } = processes.get('ingest-1') ?? (await start('ingest-1', 'ingest'));
      flood = await startFlood(mqttUrl, devices, { window: 5, pauseMs: 50, reconnect: true });
      const running = flood;
      const goOn = async () => {
        const before = running.acknowledgedCount();
        await expect
          .poll(() => running.acknowledgedCount(), { timeout: 120_000, interval: 100 })
          .toBeGreaterThan(before + BETWEEN);
      };

      await goOn();
      await processes.get('ingest-1')?.end('SIGKILL');
      await goOn();
      await start('ingest-1', 'ingest');
      const misfortunes = { mariadb, redis, mongodb };
      for (const server of Object.values(misfortunes)) {
        await goOn();
        await server.restart();
      }
      await goOn();

      // Dashboards recover by themselves: the same socket, or the one it made anew, sees what comes now.
      const seenBefore = seen;
      await expect.poll(() => seen, { timeout: 60_000 }).toBeGreaterThan(seenBefore);
      running.stop();
      await running.settled();
      const acknowledged = running.acknowledgedCount();
      const received = async () => {
        const ledgers = await Promise.all(devices.map((device) => api.ledger(device.id)));
        return ledgers.reduce((sum, ledger) => sum + ledger.stored + ledger.merged, 0);
      };
      await expect.poll(received, { timeout: 60_000, interval: 500 }).toBeGreaterThanOrEqual(acknowledged);
      const stored = await expectNothingLost(api, devices, running, { exactLabels: false });
      process.stdout.write(
        `replicas: ${acknowledged} acknowledged by the broker, ${stored} stored, each once; the dashboard saw ${seen} updates\n`,
      );
      expect(stored).toBe(acknowledged);
      dashboard.disconnect();
    }, 600_000);
  },
  { own: true },
);
