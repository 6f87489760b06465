import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { Aedes } from 'aedes';
import { afterEach, describe, expect, test } from 'vitest';
import { runChild } from '../support/child.ts';
import type { MqttLoad, MqttLoadResult } from './mqtt-load.ts';
import { metricsAt } from './mqtt-packets.ts';

const GENERATOR = new URL('./mqtt-load.ts', import.meta.url);
const FIRST = 1_799_999_999_990;

/** Digits that carry, a window that wraps, uids of different lengths. */
const LOAD = {
  devices: [
    { uid: 'a', secret: 'secret-a' },
    { uid: 'b'.repeat(64), secret: 'secret-b' },
  ],
  window: 7,
  burstMs: 10,
  firstTimestamp: FIRST,
  warmupSeconds: 0,
  seconds: 0.3,
};

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

describe('the MQTT load generator', () => {
  test.each([{ rate: null }, { rate: 400 }])(
    'sends what it says, each message once and valid: $rate',
    async ({ rate }) => {
      const { port, received } = await listen();

      const result = await runChild<MqttLoadResult>(GENERATOR, { ...LOAD, rate, port } satisfies MqttLoad);

      const sent = LOAD.devices.map(({ uid }) => received.get(uid) ?? []);
      for (const [device, messages] of sent.entries()) {
        expect(messages.length).toBeGreaterThan(10);
        expect(messages).toEqual(
          messages.map((_, index) => ({ timestamp: FIRST + index, metrics: metricsAt(FIRST + index) })),
        );
        expect(result.lastTimestamps[device]).toBe(FIRST + messages.length - 1);
      }
      expect(result.acknowledged).toBe(sent.flat().length);
      expect(result.latency.count).toBeGreaterThan(0);
      if (rate !== null) expect(result.acknowledged).toBeLessThanOrEqual(rate * LOAD.seconds + LOAD.devices.length);
    },
  );

  test('stamps messages as far apart as it is told', async () => {
    const { port, received } = await listen();

    await runChild(GENERATOR, { ...LOAD, rate: 400, port, stepMs: 199 } satisfies MqttLoad);

    const sent = received.get('a') ?? [];
    expect(sent.length).toBeGreaterThan(10);
    expect(sent).toEqual(
      sent.map((_, index) => ({ timestamp: FIRST + 199 * index, metrics: metricsAt(FIRST + 199 * index) })),
    );
  });

  test('fails when the broker refuses a login', async () => {
    const { port, broker } = await listen();
    broker.authenticate = (_client, _username, _password, done) => done(null, false);

    const load: MqttLoad = { ...LOAD, rate: null, port };
    await expect(runChild(GENERATOR, load)).rejects.toThrow('login refused (CONNACK 5)');
  });
});

async function listen() {
  const received = new Map<string, unknown[]>();
  const broker = await Aedes.createBroker();
  broker.authorizePublish = (client, { topic, payload, qos }, done) => {
    const uid = client?.id ?? '';
    expect({ topic, qos }).toEqual({ topic: `devices/${uid}/telemetry`, qos: 1 });
    const messages = received.get(uid) ?? [];
    received.set(uid, messages);
    messages.push(JSON.parse(payload.toString()));
    done(null);
  };
  const server = createServer(broker.handle).listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    broker.close();
    server.close();
  });
  return { broker, received, port: (server.address() as AddressInfo).port };
}
