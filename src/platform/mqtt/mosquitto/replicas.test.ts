import mqtt from 'mqtt';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { systemClock } from '#kernel/clock.ts';
import { createEventBus } from '#kernel/events.ts';
import { type Logger, silentLogger } from '#kernel/logger.ts';
import type { Leases } from '#platform/leases/leases.port.ts';
import { createMemoryLeases } from '#platform/leases/memory-leases.ts';
import { devicePortOf, webSocketPortOf } from '#test/support/servers/mosquitto.ts';
import { describeWithServer } from '#test/support/servers.ts';
import { DEVICE_CHANNELS, eventually, RecordingHandler } from '../mqtt.harness.ts';
import type { MqttBroker } from '../mqtt.port.ts';
import { createMosquittoAccounts } from './accounts.ts';
import { createMosquittoControl, type MosquittoControl } from './control.ts';
import { createMosquittoDownlink } from './downlink.ts';
import { createMosquittoBroker } from './mosquitto.ts';
import { sessionsOf } from './partition.ts';

interface Replica {
  readonly handler: RecordingHandler;
  readonly broker: MqttBroker;
  readonly control: MosquittoControl;
}

const SESSIONS = 4;
const UIDS = Array.from({ length: 12 }, (_, index) => `device-${index}`);

await describeWithServer(
  'mosquitto',
  (server) => {
    let replicas: Replica[] = [];
    let devices: mqtt.MqttClient[] = [];
    let takenOver = 0;
    const logger = {
      ...silentLogger,
      warn(_fields: object, message: string) {
        if (/is taken again/.test(message)) takenOver += 1;
      },
    } as Logger;

    interface Options {
      readonly maxInFlight?: number;
      readonly sessionCount?: number;
      readonly yieldMs?: number;
    }

    async function replica(leases: Leases, options: Options = {}): Promise<Replica> {
      const { maxInFlight = 10_000, sessionCount = SESSIONS, yieldMs = 60_000 } = options;
      const handler = new RecordingHandler();
      for (const uid of UIDS) handler.secrets.set(uid, uid);
      const control = createMosquittoControl({ url: server.url, logger: silentLogger });
      await control.start?.(AbortSignal.timeout(5_000));
      const runtime = { events: createEventBus(silentLogger), clock: systemClock, logger: silentLogger };
      const broker = createMosquittoBroker({
        channels: DEVICE_CHANNELS,
        control,
        downlink: createMosquittoDownlink({ control, ...runtime }),
        handler,
        logger,
        leases,
        sessionCount,
        deviceAddresses: [],
        limits: { maxInFlight },
        timing: { roundMs: 50, ttlMs: 1_000, yieldMs },
      });
      await broker.start?.(AbortSignal.timeout(5_000));
      const started = { handler, broker, control };
      replicas.push(started);
      return started;
    }

    async function stop(one: Replica) {
      replicas = replicas.filter((each) => each !== one);
      await one.broker.stop?.(AbortSignal.timeout(2_000));
      await one.control.stop?.(AbortSignal.timeout(2_000));
    }

    async function logIn(uid: string, reconnectPeriod = 100) {
      const address = `mqtt://127.0.0.1:${devicePortOf(server.url)}`;
      const client = await mqtt.connectAsync(address, { username: uid, password: uid, reconnectPeriod });
      client.on('error', () => {});
      devices.push(client);
      return client;
    }

    function send(client: mqtt.MqttClient, uid: string, count: number, from = 0) {
      return Promise.all(
        Array.from({ length: count }, (_, number) =>
          client.publishAsync(`devices/${uid}/telemetry`, `${from + number}`, { qos: 1 }),
        ),
      );
    }
    const numbers = (count: number) => Array.from({ length: count }, (_, number) => `${number}`);
    const received = (uid: string, ...some: readonly Replica[]) =>
      some.flatMap(({ handler }) =>
        handler.messages
          .filter(({ device, channel }) => device.deviceUid === uid && channel === 'telemetry')
          .map(({ payload }) => payload.toString()),
      );
    const eventsOf = (handler: RecordingHandler, uid: string) =>
      handler.events.filter((event) => event.split(' ')[1] === uid);
    const whole = (uid: string) => [
      `connected ${uid}`,
      ...numbers(20).map((number) => `message ${uid} telemetry ${number}`),
      `disconnected ${uid}`,
    ];
    const shared = () => createMemoryLeases({ clock: systemClock });

    beforeAll(async () => {
      const control = createMosquittoControl({ url: server.url, logger: silentLogger });
      await control.start?.(AbortSignal.timeout(5_000));
      await Promise.all(UIDS.map((uid) => createMosquittoAccounts(control, DEVICE_CHANNELS).set(uid, uid, uid)));
      await control.stop?.(AbortSignal.timeout(5_000));
    });
    afterEach(async () => {
      for (const device of devices) await device.endAsync(true);
      devices = [];
      for (const one of replicas) {
        one.handler.hold = false;
        for (const message of one.handler.messages) message.acknowledge();
        await stop(one);
      }
      for (const { clientId } of sessionsOf(SESSIONS)) {
        const address = server.url.replace(/\?.*/, '');
        const client = await mqtt.connectAsync(address, { clientId, clean: true, reconnectPeriod: 0 });
        await client.endAsync();
      }
    });

    /** Resolves when each replica has its part of the sessions, connected. */
    async function divided(held: ReadonlyMap<string, readonly string[]>) {
      await eventually(async () => {
        expect([...held.values()].map(({ length }) => length)).toEqual(replicas.map(() => SESSIONS / replicas.length));
        for (const { broker } of replicas) await broker.ping();
      });
    }

    test('two divide the devices: all that a device sends and does comes to one, in order', async () => {
      const { leases, held } = watched();
      const replicasOf = [await replica(leases), await replica(leases)];
      await divided(held);
      await Promise.all(
        UIDS.map(async (uid) => {
          const device = await logIn(uid);
          await send(device, uid, 20);
          await device.endAsync();
        }),
      );
      for (const uid of UIDS) {
        await eventually(() =>
          expect(replicasOf.map(({ handler }) => eventsOf(handler, uid))).toContainEqual(whole(uid)),
        );
        expect(received(uid, ...replicasOf)).toHaveLength(20);
      }
      for (const { handler } of replicasOf) expect(handler.messages.length).toBeGreaterThan(0);
    });

    test('one that stops hands over: what it did not acknowledge comes to another, nothing else comes twice', async () => {
      const { leases, held } = watched();
      const one = await replica(leases);
      const two = await replica(leases);
      await divided(held);
      two.handler.hold = true;
      const clients = await Promise.all(UIDS.map((uid) => logIn(uid)));
      await Promise.all(clients.map((client, index) => send(client, UIDS[index] ?? '', 20)));
      await eventually(() => expect(one.handler.messages.length + two.handler.messages.length).toBe(UIDS.length * 20));
      const unacknowledged = two.handler.messages.length;
      expect(unacknowledged).toBeGreaterThan(0);
      await stop(two);
      await eventually(() => expect(one.handler.messages).toHaveLength(UIDS.length * 20));
      for (const uid of UIDS) expect(received(uid, one)).toEqual(numbers(20));
    });

    test('one that is silent is followed by another, which the silent one leaves in peace', async () => {
      const { leases, held } = watched();
      let silent = false;
      const one = await replica({
        ...leases,
        round: (round) => (silent ? Promise.reject(new Error('away')) : leases.round(round)),
      });
      const two = await replica(leases);
      await divided(held);
      silent = true;
      await eventually(() => expect(one.broker.ping()).rejects.toMatchObject({ code: 'unavailable' }));
      await eventually(async () => {
        expect([...held.values()].at(-1)).toHaveLength(SESSIONS);
        await two.broker.ping();
      });
      await Promise.all(UIDS.map(async (uid) => send(await logIn(uid), uid, 20)));
      await eventually(() => expect(two.handler.messages).toHaveLength(UIDS.length * 20));
      silent = false;
      await divided(held);
    });

    test('two that know nothing of each other lose nothing, and take from each other now and then at the most', async () => {
      const before = takenOver;
      const one = await replica(shared(), { yieldMs: 1_000 });
      const two = await replica(shared(), { yieldMs: 1_000 });
      const device = await logIn('device-0');
      const began = performance.now();
      for (let part = 1; part <= 10; part++) {
        await send(device, 'device-0', 20, (part - 1) * 20);
        // What was on its way to the one when the other took over comes to both.
        await eventually(() => expect(new Set(received('device-0', one, two)).size).toBe(part * 20));
      }
      // Of each session: twice at once, then one a `yieldMs` and side.
      const seconds = (performance.now() - began) / 1_000;
      expect(takenOver - before).toBeLessThanOrEqual(SESSIONS * (2 + 2 * Math.ceil(seconds)));
    });

    test('a broker that restarts while devices send: each message comes once', async () => {
      const one = await replica(shared());
      const uids = UIDS.slice(0, 4);
      const clients = await Promise.all(uids.map((uid) => logIn(uid)));
      const count = 400;
      const sending = clients.map(async (client, index) => {
        const uid = uids[index] ?? '';
        for (let number = 0; number < count; number += 1) {
          await client.publishAsync(`devices/${uid}/telemetry`, `${number}`, { qos: 1 });
        }
      });
      await eventually(() => expect(received(uids[0] ?? '', one).length).toBeGreaterThan(50));
      one.handler.hold = true;
      await eventually(() =>
        expect(one.handler.messages.filter(({ payload }) => payload.length > 0).length).toBeGreaterThan(300),
      );
      await server.restart();
      one.handler.hold = false;
      for (const message of one.handler.messages.slice()) message.acknowledge();
      await Promise.all(sending);
      for (const uid of uids) {
        await eventually(() => expect(new Set(received(uid, one)).size).toBe(count));
        expect(received(uid, one).length).toBe(count);
      }
    }, 60_000);

    test('over WebSocket too, a Last Will comes before the end of its connection', async () => {
      const one = await replica(shared());
      for (const uid of UIDS.slice(0, 4)) {
        const will = { topic: `devices/${uid}/status`, payload: Buffer.from('gone'), qos: 1 as const, retain: false };
        const device = await mqtt.connectAsync(`ws://127.0.0.1:${webSocketPortOf(server.url)}`, {
          username: uid,
          password: uid,
          reconnectPeriod: 0,
          will,
        });
        devices.push(device);
        await one.handler.saw(`connected ${uid}`);
        device.stream.destroy();
        await one.handler.saw(`disconnected ${uid}`);
        expect(eventsOf(one.handler, uid)).toEqual([
          `connected ${uid}`,
          `message ${uid} status gone`,
          `disconnected ${uid}`,
        ]);
      }
    });

    test('what does not fit into the window waits at the broker, over its restart and a change of hands', async () => {
      const { leases } = watched();
      const one = await replica(leases, { maxInFlight: 20 });
      one.handler.hold = true;
      const uids = UIDS.slice(0, 4);
      const clients = await Promise.all(uids.map((uid) => logIn(uid)));
      await Promise.all(clients.map((client, index) => send(client, uids[index] ?? '', 300)));
      await server.restart();
      await Promise.all(clients.map((client, index) => send(client, uids[index] ?? '', 300, 300)));
      await eventually(() => one.broker.ping());
      const two = await replica(leases, { maxInFlight: 20 });
      one.handler.hold = false;
      for (const message of one.handler.messages.slice()) message.acknowledge();
      await server.restart();
      await Promise.all(clients.map((client, index) => send(client, uids[index] ?? '', 300, 600)));
      for (const uid of uids) {
        await eventually(() => expect(new Set(received(uid, one, two)).size).toBe(900));
        expect(received(uid, one, two)).toHaveLength(900);
      }
    }, 60_000);

    test('one that would divide the devices otherwise does not start', async () => {
      const { leases, held } = watched();
      await replica(leases);
      await expect(replica(shared(), { sessionCount: SESSIONS + 1 })).rejects.toThrow(
        'MQTT_RECEIVERS is 5, but devices are divided among 4 sessions',
      );
      await replica(leases);
      await divided(held);
    });

    test('a broker that is killed: who does not come back is offline, messages go on', async () => {
      const one = await replica(shared());
      const device = await logIn('device-0', 0);
      const other = await logIn('device-1');
      await one.handler.saw('connected device-0');
      await one.handler.saw('connected device-1');
      await server.kill();
      await eventually(() => expect(one.broker.ping()).rejects.toMatchObject({ code: 'unavailable' }));
      await server.restart();
      await eventually(() => one.broker.ping());
      await one.handler.saw('disconnected device-0');
      await one.handler.saw('connected device-1', 2);
      expect(device.connected).toBe(false);
      await send(other, 'device-1', 20);
      await eventually(() => expect(received('device-1', one).slice(-20)).toEqual(numbers(20)));
    }, 40_000);
  },
  { own: true },
);

/** Leases, and what each member was told to hold last. */
function watched() {
  const leases = createMemoryLeases({ clock: systemClock });
  const held = new Map<string, readonly string[]>();
  const watching: Leases = {
    ...leases,
    async round(round) {
      const state = await leases.round(round);
      held.set(round.member, state.held);
      return state;
    },
    async leave(group, member) {
      held.delete(member);
      await leases.leave(group, member);
    },
  };
  return { leases: watching, held };
}
