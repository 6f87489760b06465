import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import mqtt from 'mqtt';
import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '#kernel/clock.ts';
import { createEventBus } from '#kernel/events.ts';
import { silentLogger } from '#kernel/logger.ts';
import { downlinkContract } from '../downlink.contract.ts';
import { mqttContract } from '../mqtt.contract.ts';
import {
  createRig,
  DEVICE_CHANNELS,
  eventually,
  type MqttHarness,
  packets,
  RecordingHandler,
  varint,
} from '../mqtt.harness.ts';
import { type AedesBroker, type AedesBrokerOptions, createAedesBroker } from './aedes.ts';
import { TEST_CERTIFICATE } from './certificate.fixture.ts';
import { type AedesDownlink, createAedesDownlink } from './downlink.ts';

const LIMITS = { maxPayloadBytes: 64 * 1024 };

function harnessOf(overrides: Partial<AedesBrokerOptions> = {}): MqttHarness {
  return {
    name: 'Aedes',
    capabilities: {
      holdsAcknowledgements: true,
      asksAtLogin: true,
      reportsRefusals: true,
      severalConnections: true,
      endsSessionsOnStop: true,
    },
    maxPayloadBytes: LIMITS.maxPayloadBytes,
    async create(handler, events) {
      const downlink = createAedesDownlink({ events, clock: systemClock, logger: silentLogger });
      const broker = create({ handler, downlink: downlink.edge, ...overrides });
      return {
        broker,
        downlink: downlink.port,
        port: () => broker.ports().mqtt,
        setSecret: async (uid, secret) => void handler.secrets.set(uid, secret),
        async restartBroker() {
          await broker.stop?.(AbortSignal.timeout(5_000));
          await broker.start?.(AbortSignal.timeout(5_000));
        },
        leave: async () => {},
        cleanUp: async () => {},
      };
    },
  };
}

function create(options: Partial<AedesBrokerOptions>): AedesBroker {
  return createAedesBroker({
    channels: DEVICE_CHANNELS,
    host: '127.0.0.1',
    port: 0,
    handler: new RecordingHandler(),
    downlink: createDownlink().edge,
    logger: silentLogger,
    limits: LIMITS,
    ...options,
  });
}

function createDownlink(): AedesDownlink {
  return createAedesDownlink({ events: createEventBus(silentLogger), clock: systemClock, logger: silentLogger });
}

mqttContract(harnessOf());
downlinkContract(harnessOf());

describe('Aedes: what is its own', () => {
  const closing: (() => Promise<unknown> | unknown)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  async function started(options: Partial<AedesBrokerOptions>): Promise<AedesBroker> {
    const broker = create(options);
    closing.push(() => broker.stop?.(AbortSignal.timeout(2_000)));
    await broker.start?.(AbortSignal.timeout(5_000));
    return broker;
  }

  async function rigOf(overrides: Partial<AedesBrokerOptions> = {}) {
    const rig = await createRig(harnessOf(overrides));
    closing.push(() => rig.close());
    return rig;
  }

  test('a taken port is reported with its code, and nothing stays open', async () => {
    const blocker: Server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => blocker.once('listening', resolve));
    closing.push(() => blocker.close());
    const { port } = blocker.address() as { port: number };
    await expect(create({ port }).start?.(AbortSignal.timeout(5_000))).rejects.toMatchObject({ code: 'EADDRINUSE' });
    const broker = create({ wsPort: port });
    await expect(broker.start?.(AbortSignal.timeout(5_000))).rejects.toMatchObject({ code: 'EADDRINUSE' });
    expect(() => broker.ports()).toThrow();
  });

  test('MQTT over TLS', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'core-api-tls-'));
    closing.push(() => rm(folder, { recursive: true }));
    const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    await writeFile(keyFile, TEST_CERTIFICATE.key);
    await writeFile(certFile, TEST_CERTIFICATE.cert);
    const broker = await started({ tls: { port: 0, keyFile, certFile } });
    const client = mqtt.connect(`mqtts://127.0.0.1:${broker.ports().tls}`, {
      username: 'alpha',
      password: 'alpha-secret',
      rejectUnauthorized: false,
      reconnectPeriod: 0,
    });
    closing.push(() => client.endAsync(true));
    await client.publishAsync('devices/alpha/telemetry', 'a', { qos: 1 });
    await expect(
      create({ tls: { port: 0, keyFile: '/nowhere', certFile } }).start?.(AbortSignal.timeout(5_000)),
    ).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('MQTT 5 is answered with "unacceptable protocol version"', async () => {
    const rig = await rigOf();
    const client = await rig.raw();
    await client.send(packets.connect({ level: 5 })).got('20020001');
    await client.ended();
  });

  test('a login that cannot be checked is refused with "server unavailable"', async () => {
    const rig = await rigOf();
    rig.handler.beforeAuthenticate = () => Promise.reject(new Error('the store is away'));
    await expect(rig.device('alpha')).rejects.toMatchObject({ code: 3 });
  });

  test('a persistent session without a client id is refused', async () => {
    const rig = await rigOf();
    const client = await rig.raw();
    await client.send(packets.connect({ clientId: '', clean: false })).got('20020002');
  });

  test('a connection that does not log in is closed', async () => {
    const rig = await rigOf({ limits: { ...LIMITS, loginTimeoutMs: 50 } });
    const silent = await rig.raw();
    const slow = await rig.raw();
    slow.send(packets.connect().subarray(0, 10));
    await silent.ended();
    await slow.ended();
    const device = await rig.device('alpha');
    await new Promise((resolve) => setTimeout(resolve, 100));
    await device.publishAsync('devices/alpha/log', 'still here', { qos: 1 });
  });

  test('a device whose ping lies unread while the process stands still is not cut, one that is silent is', async () => {
    const rig = await rigOf();
    const alive = await (await rig.raw()).logIn({ keepAlive: 1 });
    const silent = await (await rig.raw()).logIn({ uid: 'beta', keepAlive: 1 });
    // In the socket before the process stops, and not read before the timers are looked at.
    alive.send(packets.ping());
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_000);
    await silent.ended();
    await rig.handler.saw('disconnected beta');
    await alive.roundTrip();
    expect(rig.handler.events).not.toContain('disconnected alpha');
    await alive.ended();
  });

  test('a device that was not read for a while has its whole keep-alive from then on', async () => {
    const rig = await rigOf();
    const client = await (await rig.raw()).logIn({ keepAlive: 1 });
    rig.handler.hold = true;
    const flood = Array.from({ length: 1_000 }, (_, i) =>
      packets.publish('devices/alpha/log', 'x', { messageId: i + 1 }),
    );
    client.send(...flood);
    await eventually(() => expect(rig.handler.messages).toHaveLength(1_000));
    const heldAt = performance.now();
    client.send(packets.ping());
    await eventually(() => expect(performance.now() - heldAt).toBeGreaterThan(1_400));
    rig.handler.hold = false;
    for (const message of rig.handler.messages.slice()) message.acknowledge();
    // The keep-alive would have ended in 100 ms.
    await client.got('d000');
    await client.roundTrip();
    expect(rig.handler.events).not.toContain('disconnected alpha');
  });

  test('all connections together hold a bounded number of bytes', async () => {
    const rig = await rigOf({ limits: { ...LIMITS, maxInFlightBytes: 200_000 } });
    rig.handler.hold = true;
    const clients = await Promise.all(
      Array.from({ length: 5 }, async (_, i) => (await rig.raw()).logIn({ clientId: `c${i}` })),
    );
    const flood = Array.from({ length: 10 }, (_, i) =>
      packets.publish('devices/alpha/telemetry', Buffer.alloc(20_000), { messageId: i + 1 }),
    );
    for (const client of clients) client.send(...flood);
    await eventually(() => expect(rig.handler.messages.length).toBeGreaterThanOrEqual(10));
    expect(rig.handler.messages.length).toBe(10);
    rig.handler.hold = false;
    for (const message of rig.handler.messages.slice()) message.acknowledge();
    await eventually(() => expect(rig.handler.messages).toHaveLength(50));
  });

  test('strangers too many push out the one that has waited longest, and no device', async () => {
    const rig = await rigOf({ limits: { ...LIMITS, admission: { strangers: 5 } } });
    const device = await (await rig.raw()).logIn();
    const strangers = [];
    for (let i = 0; i < 7; i++) strangers.push((await rig.raw()).send(packets.connect().subarray(0, 10)));
    await strangers[0]?.ended();
    await strangers[1]?.ended();
    const newcomer = await (await rig.raw()).logIn({ uid: 'beta' });
    await strangers[2]?.ended();
    await device.roundTrip();
    await newcomer.roundTrip();
    expect(strangers.filter(({ closed }) => closed)).toHaveLength(3);
  });

  test('connections too many are closed at once, and there is room again when one ends', async () => {
    const rig = await rigOf({ limits: { ...LIMITS, admission: { connections: 2 } } });
    const first = await (await rig.raw()).logIn({ clientId: 'one' });
    await (await rig.raw()).logIn({ clientId: 'two' });
    await (await rig.raw()).ended();
    first.send(packets.disconnect());
    await first.ended();
    await eventually(async () => void (await rig.device('beta')));
  });

  test('a CONNECT of more than 16 KiB is not kept', async () => {
    const rig = await rigOf();
    const client = await rig.raw();
    client.send(Buffer.from([0x10, ...varint(16 * 1024 + 1)]));
    await client.ended();
    const will = { topic: 'devices/alpha/status', payload: Buffer.alloc(15 * 1024), qos: 1, retain: false } as const;
    await rig.device('alpha', { will });
  });

  test('a device has a bounded number of connections, the oldest gives way', async () => {
    const rig = await rigOf();
    const first = await (await rig.raw()).logIn({ clientId: 'first' });
    for (let i = 0; i < 8; i++) await (await rig.raw()).logIn({ clientId: `c${i}` });
    await first.ended();
    expect(rig.handler.events).toEqual(['connected alpha']);
  });

  test('a session belongs to the device that the login is answered with, whatever its user name', async () => {
    const rig = await rigOf();
    const authenticate = rig.handler.authenticate.bind(rig.handler);
    rig.handler.authenticate = (identity) =>
      authenticate({ kind: 'secret', username: 'alpha', secret: identity.kind === 'claim' ? '' : 'alpha-secret' });
    const options = { username: 'alias', password: 'x', clean: false } as const;
    const device = await rig.device('alias', options);
    await device.subscribeAsync('devices/alpha/command', { qos: 1 });
    await device.publishAsync('devices/alpha/log', 'x', { qos: 1 });
    await rig.broker.disconnect('alpha');
    await rig.wasTold('disconnected alpha');
    await rig.device('alias', { ...options, resubscribe: false });
    await rig.wasTold('subscribed alpha command', 2);
    expect(rig.handler.events).toContain('message alpha log x');
    await expect(rig.device('claim')).rejects.toMatchObject({ code: 5 });
  });

  test('whatever is sent, the process lives and no message of another device arrives', async () => {
    const rig = await rigOf();
    const bytes = fc.uint8Array({ maxLength: 200 });
    const frame = fc
      .tuple(fc.integer({ min: 0, max: 255 }), bytes)
      .map(([first, body]) => Buffer.from([first, body.length & 0x7f, ...body]));
    await fc.assert(
      fc.asyncProperty(
        fc.boolean(),
        fc.array(
          fc.oneof(
            bytes.map((b) => Buffer.from(b)),
            frame,
          ),
          { maxLength: 20 },
        ),
        async (login, chunks) => {
          const client = await rig.raw();
          if (login) await client.logIn();
          client.send(...chunks);
          client.socket.end();
          await client.ended();
        },
      ),
      { numRuns: 200 },
    );
    expect(rig.handler.events.filter((event) => event.includes('beta'))).toEqual([]);
    const device = await rig.device('beta');
    await device.publishAsync('devices/beta/log', 'fine', { qos: 1 });
  });
});
