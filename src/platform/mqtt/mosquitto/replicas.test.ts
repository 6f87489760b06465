import mqtt from 'mqtt';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLogger } from '#kernel/logger.ts';
import { devicePortOf } from '#test/support/servers/mosquitto.ts';
import { describeWithServer } from '#test/support/servers.ts';
import { eventually, RecordingHandler } from '../mqtt.harness.ts';
import type { MqttBroker } from '../mqtt.port.ts';
import { createMosquittoAccounts } from './accounts.ts';
import { createMosquittoControl, type MosquittoControl } from './control.ts';
import { createMosquittoBroker } from './mosquitto.ts';

interface Replica {
  readonly handler: RecordingHandler;
  readonly broker: MqttBroker;
  readonly control: MosquittoControl;
  running: boolean;
}

await describeWithServer(
  'mosquitto',
  (server) => {
    const replicas: Replica[] = [];
    let device: mqtt.MqttClient;

    async function replica(instanceId: string): Promise<Replica> {
      const handler = new RecordingHandler();
      const control = createMosquittoControl({ url: server.url, logger: silentLogger });
      await control.start?.(AbortSignal.timeout(5_000));
      const broker = createMosquittoBroker({
        control,
        handler,
        logger: silentLogger,
        instanceId,
        deviceAddresses: [],
        heartbeatMs: 300,
      });
      await broker.start?.(AbortSignal.timeout(5_000));
      const started = { handler, broker, control, running: true };
      replicas.push(started);
      return started;
    }

    async function stop(one: Replica) {
      if (!one.running) return;
      one.running = false;
      await one.broker.stop?.(AbortSignal.timeout(2_000));
      await one.control.stop?.(AbortSignal.timeout(2_000));
    }

    const logIn = () =>
      mqtt.connectAsync(`mqtt://127.0.0.1:${devicePortOf(server.url)}`, {
        username: 'alpha',
        password: 'alpha-secret',
        reconnectPeriod: 200,
      });
    const payloads = (...some: typeof replicas) =>
      some.flatMap(({ handler }) => handler.messages.map(({ payload }) => payload.toString()));
    const send = (from: number, to: number) =>
      Promise.all(
        Array.from({ length: to - from }, (_, i) =>
          device.publishAsync('devices/alpha/telemetry', `${from + i}`, { qos: 1 }),
        ),
      );
    const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `${from + i}`);

    beforeAll(async () => {
      const first = await replica('one');
      await createMosquittoAccounts(first.control).set('alpha', 'alpha-secret');
    });
    afterAll(async () => {
      await device?.endAsync(true);
      for (const one of replicas) await stop(one);
    });

    test('two split the messages; status is told to one', async () => {
      await replica('two');
      device = await logIn();
      await eventually(() => expect(replicas[1]?.handler.statusEvents).toEqual(['connected alpha']));
      await send(0, 100);
      await eventually(() => expect(payloads(...replicas).toSorted()).toEqual(range(0, 100).toSorted()));
      for (const { handler } of replicas) expect(handler.messages.length).toBeGreaterThan(20);
      expect(replicas[0]?.handler.statusEvents).toEqual([]);
    });

    test('when the one that listens stops, the other goes on; what is not acknowledged comes again', async () => {
      const [one, two] = replicas as [Replica, Replica];
      two.handler.hold = true;
      await send(100, 120);
      await eventually(() => expect(payloads(one, two)).toHaveLength(120));
      const unacknowledged = two.handler.messages.slice(-10).map(({ payload }) => payload.toString());
      await stop(two);
      await device.endAsync();
      await eventually(() => expect(one.handler.statusEvents).toEqual(['disconnected alpha']));
      device = await logIn();
      await one.handler.saw('connected alpha');
      await send(120, 140);
      const again = await replica('two');
      await eventually(() => {
        expect(payloads(again)).toEqual(expect.arrayContaining(unacknowledged));
        expect(new Set(payloads(one, two, again))).toEqual(new Set(range(0, 140)));
      });
    }, 20_000);

    test('a broker that is killed: who does not come back is offline, messages go on', async () => {
      const [one, , two] = replicas as [Replica, Replica, Replica];
      const came = () => two.handler.statusEvents.filter((event) => event === 'connected alpha').length;
      const went = () => two.handler.statusEvents.filter((event) => event === 'disconnected alpha').length;
      await device.endAsync();
      device = await logIn();
      device.options.reconnectPeriod = 0;
      await eventually(() => expect(came()).toBeGreaterThan(0));
      const before = went();
      await server.kill();
      await eventually(() => expect(one.broker.ping()).rejects.toMatchObject({ code: 'unavailable' }));
      await server.restart();
      await eventually(() => Promise.all([one.broker.ping(), two.broker.ping()]).then(() => {}));
      await eventually(() => expect(went()).toBe(before + 1));
      const known = came();
      device = await logIn();
      await eventually(() => expect(came()).toBe(known + 1));
      await send(200, 220);
      await eventually(() => expect(payloads(one, two)).toEqual(expect.arrayContaining(range(200, 220))));
    }, 40_000);
  },
  { own: true },
);
