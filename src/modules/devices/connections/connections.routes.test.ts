import mqtt, { type MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Clock, systemClock } from '#kernel/clock.ts';
import type { EventBus } from '#kernel/events.ts';
import { silentLogger } from '#kernel/logger.ts';
import { createMemoryLeases } from '#platform/leases/memory-leases.ts';
import { createAedesBroker } from '#platform/mqtt/aedes/aedes.ts';
import { createAedesDownlink } from '#platform/mqtt/aedes/downlink.ts';
import type { MqttDownlink } from '#platform/mqtt/downlink.port.ts';
import { createMosquittoAccounts } from '#platform/mqtt/mosquitto/accounts.ts';
import { createMosquittoControl } from '#platform/mqtt/mosquitto/control.ts';
import { createMosquittoDownlink } from '#platform/mqtt/mosquitto/downlink.ts';
import { createMosquittoBroker } from '#platform/mqtt/mosquitto/mosquitto.ts';
import { DEVICE_CHANNELS } from '#platform/mqtt/mqtt.harness.ts';
import type { MqttAccounts, MqttBroker, MqttHandler } from '#platform/mqtt/mqtt.port.ts';
import { auditedOn } from '#test/support/audit.ts';
import { createDevicesHarness, type DevicesHarness } from '#test/support/devices.ts';
import { devicePortOf } from '#test/support/servers/mosquitto.ts';
import { describeWithServer } from '#test/support/servers.ts';

interface TestBroker {
  readonly accounts?: MqttAccounts;
  createDownlink(runtime: { readonly events: EventBus; readonly clock: Clock }): MqttDownlink;
  start(handler: MqttHandler): Promise<{ readonly port: number; stop(): Promise<void> }>;
}

function inside(): TestBroker {
  let edge: ReturnType<typeof createAedesDownlink>['edge'];
  return {
    createDownlink(runtime) {
      const downlink = createAedesDownlink({ ...runtime, logger: silentLogger });
      edge = downlink.edge;
      return downlink.port;
    },
    async start(handler) {
      const limits = { maxPayloadBytes: 1024 };
      const options = { host: '127.0.0.1', port: 0, logger: silentLogger, limits };
      const broker = createAedesBroker({ ...options, channels: DEVICE_CHANNELS, handler, downlink: edge });
      return { port: await started(broker, () => broker.ports().mqtt), stop: () => stopped(broker) };
    },
  };
}

async function mosquitto(url: string): Promise<TestBroker> {
  const control = createMosquittoControl({ url, logger: silentLogger });
  await control.start?.(AbortSignal.timeout(5_000));
  let downlink: ReturnType<typeof createMosquittoDownlink>;
  return {
    accounts: createMosquittoAccounts(control, DEVICE_CHANNELS),
    createDownlink(runtime) {
      downlink = createMosquittoDownlink({ control, ...runtime, logger: silentLogger });
      return downlink.port;
    },
    async start(handler) {
      const leases = createMemoryLeases({ clock: systemClock });
      const options = { control, downlink, logger: silentLogger, leases, deviceAddresses: [] };
      const broker = createMosquittoBroker({ ...options, channels: DEVICE_CHANNELS, handler });
      return {
        port: await started(broker, () => devicePortOf(url)),
        async stop() {
          await stopped(broker);
          await control.stop?.(AbortSignal.timeout(5_000));
        },
      };
    },
  };
}

async function started(broker: MqttBroker, port: () => number): Promise<number> {
  await broker.start?.(AbortSignal.timeout(10_000));
  return port();
}

async function stopped(broker: MqttBroker): Promise<void> {
  await broker.stop?.(AbortSignal.timeout(5_000));
}

function suite(name: string, create: () => Promise<TestBroker>): void {
  describe(`connections at ${name}`, () => {
    let h: DevicesHarness;
    let broker: Awaited<ReturnType<TestBroker['start']>>;
    const clients: MqttClient[] = [];

    beforeAll(async () => {
      const { accounts, createDownlink, start } = await create();
      h = await createDevicesHarness('owned', accounts, createDownlink);
      broker = await start({
        authenticate: async (identity) =>
          identity.kind === 'secret' ? await h.api.authenticate(identity.username, identity.secret) : null,
        identify: (uid) => h.api.findByUid(uid),
        provision: async () => '',
        connected: () => {},
        disconnected: () => {},
        message: (_message, acknowledge) => acknowledge(),
        refused: (_device, _reason, acknowledge) => acknowledge(),
      });
    });
    afterAll(async () => {
      await Promise.all(clients.map((client) => client.endAsync(true)));
      await broker.stop();
      await h.close();
    });

    async function logIn({ username, password }: { username: string; password: string }): Promise<MqttClient> {
      const url = `mqtt://127.0.0.1:${broker.port}`;
      const client = await mqtt.connectAsync(url, { username, password, reconnectPeriod: 0 });
      client.on('error', () => {});
      clients.push(client);
      return client;
    }

    async function connectionOf(id: number, as = h.actors.USER) {
      const answer = await h.app.request({ method: 'GET', url: `/api/v1/devices/${id}/connection`, as });
      expect(answer.status).toBe(200);
      return answer.json();
    }

    const eventually = (check: () => Promise<void>) => vi.waitFor(check, { timeout: 8_000, interval: 10 });

    test('an owner sees how its device is connected, and a manager ends that', async () => {
      const { id, device_uid, credentials } = await h.device({ owner_id: h.actors.USER.userId });
      expect((await connectionOf(id)).sessions).toEqual([]);
      const client = await logIn(credentials);
      await client.subscribeAsync(`devices/${device_uid}/command`, { qos: 1 });
      await eventually(async () =>
        expect(await connectionOf(id)).toMatchObject({
          is_complete: true,
          sessions: [{ protocol: '3.1.1', ip_address: '127.0.0.1', channels: ['command'] }],
        }),
      );
      const { sessions } = await connectionOf(id);
      expect(sessions[0].connected_at).toBe(new Date(h.clock.now()).toISOString());

      const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
      const request = { method: 'POST', url: `/api/v1/devices/${id}/disconnect` } as const;
      expect((await h.app.request({ ...request, as: h.actors.USER })).status).toBe(403);
      expect((await h.app.request({ ...request, as: h.actors.MANAGER })).status).toBe(204);
      await closed;
      await eventually(async () => expect((await connectionOf(id)).sessions).toEqual([]));
      expect((await auditedOn(h.sql)).at(-1)).toMatchObject({
        action: 'device.disconnected',
        userId: h.actors.MANAGER.userId,
        resourceId: String(id),
      });
      // Its secret stays valid, and a device without a connection is no error.
      await (await logIn(credentials)).endAsync();
      await eventually(async () => expect((await connectionOf(id)).sessions).toEqual([]));
      expect((await h.app.request({ ...request, as: h.actors.MANAGER })).status).toBe(204);
    });

    test('a device that is held in MAINTENANCE is shown as connected', async () => {
      const { id, credentials } = await h.device();
      const url = `/api/v1/devices/${id}`;
      const held = { method: 'PATCH', url, as: h.actors.ADMIN, body: { status: 'MAINTENANCE' } } as const;
      expect((await h.app.request(held)).status).toBe(200);
      await logIn(credentials);
      await eventually(async () => expect((await connectionOf(id, h.actors.ADMIN)).sessions).toHaveLength(1));
    });

    test('refused logins are listed, where the broker tells of them', async () => {
      const { id, credentials } = await h.device();
      await expect(logIn({ ...credentials, password: 'wrong' })).rejects.toThrow();
      const { refusals } = await connectionOf(id, h.actors.ADMIN);
      const at = new Date(h.clock.now()).toISOString();
      const expected = [{ at, reason: 'wrong_credentials', ip_address: '127.0.0.1' }];
      expect(refusals).toEqual(name === 'the broker inside' ? expected : null);
    });

    test('a device of somebody else is not there', async () => {
      const { id } = await h.device({ owner_id: h.stranger.userId });
      const url = `/api/v1/devices/${id}/connection`;
      const answer = await h.app.request({ method: 'GET', url, as: h.actors.USER });
      expect([answer.status, answer.json().code]).toEqual([404, 'device_not_found']);
    });
  });
}

suite('the broker inside', async () => inside());
await describeWithServer('mosquitto', ({ url }) => suite('a Mosquitto', () => mosquitto(url)));
