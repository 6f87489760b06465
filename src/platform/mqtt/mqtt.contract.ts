import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { mqttAcknowledgementContract, mqttOutgoingContract } from './mqtt.delivery.contract.ts';
import { createRig, eventually, type MqttHarness, type MqttRig, packet, packets, varint } from './mqtt.harness.ts';

/** What every adapter of `MqttBroker` keeps. Run by each adapter's own test file. */
export function mqttContract(harness: MqttHarness): void {
  describe(`${harness.name}: MQTT broker`, () => {
    loginContract(harness);
    topicContract(harness);
    sessionContract(harness);
    if (harness.capabilities.holdsAcknowledgements) mqttAcknowledgementContract(harness);
    mqttOutgoingContract(harness);
    hostileContract(harness);
  });
}

/** Harmless; Mosquitto takes no notice of it. */
const SERVER_PACKET: [string, Buffer] = ['a server packet', Buffer.from([0xd0, 0])];

function useRig(harness: MqttHarness): () => MqttRig {
  let rig: MqttRig;
  beforeEach(async () => {
    rig = await createRig(harness);
  });
  afterEach(() => rig.close());
  return () => rig;
}

function loginContract(harness: MqttHarness): void {
  describe('login', () => {
    const rig = useRig(harness);

    test('uid and secret let a device in', async () => {
      await rig().device('alpha');
      await rig().handler.saw('connected alpha');
      expect(rig().handler.lastIpAddress).toBe('127.0.0.1');
      expect(rig().broker.addresses()[0]).toBe(`mqtt://127.0.0.1:${rig().port()}`);
    });

    test.each([
      ['a wrong secret', { password: 'wrong' }],
      ['the secret of another device', { username: 'beta', password: 'alpha-secret' }],
      ['an unknown device', { username: 'gamma', password: 'gamma-secret' }],
      ['a user name that is no uid', { username: '../alpha', password: 'alpha-secret' }],
      ['no secret', { username: 'alpha', password: '' }],
      ['nobody at all', { username: '', password: '' }],
    ])('%s is refused', async (_what, options) => {
      await expect(rig().device('alpha', options)).rejects.toMatchObject({ code: 5 });
      expect(rig().handler.events).toEqual([]);
    });

    test('the first packet must be a CONNECT', async () => {
      const client = await rig().raw();
      client.send(packets.publish('devices/alpha/telemetry', '{}'));
      await client.ended();
      expect(rig().handler.events).toEqual([]);
    });

    if (harness.capabilities.asksAtLogin)
      test('a device that is being cut while it logs in does not get in', async () => {
        let letOn = () => {};
        rig().handler.beforeAuthenticate = () => new Promise((resolve) => (letOn = resolve));
        const client = await rig().raw();
        client.send(packets.connect());
        await eventually(() => expect(letOn).not.toHaveLength(0));
        await rig().broker.disconnect('alpha');
        letOn();
        await client.ended();
        expect(client.received).toEqual([]);
        expect(rig().handler.events).toEqual([]);
      });
  });
}

function topicContract(harness: MqttHarness): void {
  describe('topics', () => {
    const rig = useRig(harness);

    test.each(['telemetry', 'status', 'log', 'response'])('a device publishes to its %s', async (channel) => {
      const device = await rig().device('alpha');
      await device.publishAsync(`devices/alpha/${channel}`, '{"a":1}', { qos: 1 });
      await rig().handler.saw(`message alpha ${channel} {"a":1}`);
    });

    const forbidden = [
      'devices/beta/telemetry',
      'devices/alpha/command',
      'devices/alpha/config',
      'devices/alpha/ota',
      'devices/alpha/telemetry/x',
      'devices/alpha/telemetr',
      'devices/alpha/Telemetry',
      'devices/alpha',
      '/devices/alpha/telemetry',
      '$SYS/broker',
      'telemetry',
      'many/levels'.repeat(200),
    ];

    test.each(forbidden)('what is published to %.40s reaches nobody', async (topic) => {
      const beta = await rig().device('beta');
      await beta.subscribeAsync('devices/beta/command');
      const client = await (await rig().raw()).logIn();
      client.send(packets.publish(topic, 'foreign', { qos: 0 }));
      await client.roundTrip().catch(() => {});
      await beta.publishAsync('devices/beta/log', 'marker', { qos: 1 });
      await rig().handler.saw('message beta log marker');
      expect(rig().handler.messages.map(({ payload }) => payload.toString())).toEqual(['marker']);
      expect(beta.received).toEqual([]);
    });

    if (harness.capabilities.reportsRefusals)
      test.each(forbidden)('publishing to %.40s ends the connection', async (topic) => {
        const client = await (await rig().raw()).logIn();
        client.send(packets.publish(topic, '{}'), packets.publish('devices/alpha/log', 'never read', { messageId: 2 }));
        await client.ended();
        await rig().handler.saw('disconnected alpha');
        expect(rig().handler.events).toEqual(['connected alpha', 'refused alpha topic', 'disconnected alpha']);
      });

    test.each(['command', 'config', 'ota'])('a device subscribes to its %s', async (channel) => {
      const device = await rig().device('alpha');
      await device.subscribeAsync(`devices/alpha/${channel}`, { qos: 1 });
      await rig().broker.publish({ topic: `devices/alpha/${channel}`, payload: '{"b":2}', qos: 1 });
      await eventually(() => expect(device.received).toHaveLength(1));
      expect(device.received[0]).toEqual({ topic: `devices/alpha/${channel}`, payload: '{"b":2}', retain: false });
    });

    test.each([
      '#',
      '+',
      '$SYS/#',
      '+/+/+',
      'devices/+/command',
      'devices/#',
      'devices/alpha/#',
      'devices/alpha/+',
      'devices/beta/command',
      'devices/alpha/telemetry',
    ])('subscribing to %s fails, and the connection stays', async (filter) => {
      const client = await (await rig().raw()).logIn();
      await client.send(packets.subscribe(filter)).got('9003000180');
      if (harness.capabilities.reportsRefusals) await rig().handler.saw('refused alpha topic');
      await rig().broker.publish({ topic: 'devices/beta/command', payload: 'secret', qos: 1 });
      await client.roundTrip();
      expect(client.received).toEqual(['20020000', '9003000180', 'd000']);
    });

    test('of several subscriptions only the refused ones fail', async () => {
      const device = await rig().device('alpha', { clean: false });
      const granted = await device.subscribeAsync(['devices/alpha/command', 'devices/beta/command'], { qos: 1 }).catch(
        // MQTT.js reports a refusal as an error with the whole SUBACK.
        (error: { packet: { granted: number[] } }) => error.packet.granted,
      );
      expect(JSON.stringify(granted)).toContain('128');
      await device.endAsync(true);
      await rig().handler.saw('disconnected alpha');
      await rig().broker.publish({ topic: 'devices/beta/command', payload: 'not for alpha', qos: 1 });
      await rig().broker.publish({ topic: 'devices/alpha/command', payload: 'for alpha', qos: 1 });
      const again = await rig().device('alpha', { clean: false });
      await eventually(() => expect(again.received.map(({ payload }) => payload)).toEqual(['for alpha']));
    });
  });
}

function sessionContract(harness: MqttHarness): void {
  describe('sessions', () => {
    const rig = useRig(harness);
    const will = {
      topic: 'devices/alpha/status',
      payload: Buffer.from('{"status":"ERROR"}'),
      qos: 1,
      retain: true,
    } as const;
    const lastWill = 'message alpha status {"status":"ERROR"}';

    test('DISCONNECT ends a session without its Last Will', async () => {
      const device = await rig().device('alpha', { will });
      await device.endAsync();
      await rig().handler.saw('disconnected alpha');
      expect(rig().handler.events).toEqual(['connected alpha', 'disconnected alpha']);
    });

    test('a broken connection delivers the Last Will first', async () => {
      const device = await rig().device('alpha', { will });
      device.stream.destroy();
      await rig().handler.saw('disconnected alpha');
      expect(rig().handler.events).toEqual(['connected alpha', lastWill, 'disconnected alpha']);
    });

    const foreignWills = ['devices/beta/status', 'devices/alpha/command', 'anything'];
    test.each(foreignWills)('a Last Will for %s reaches nobody', async (topic) => {
      const beta = await rig().device('beta');
      await beta.subscribeAsync('devices/beta/command');
      const alpha = await rig()
        .device('alpha', { will: { ...will, topic } })
        .catch(() => null);
      alpha?.stream.destroy();
      if (alpha !== null) await rig().handler.saw('disconnected alpha');
      expect(rig().handler.messages).toEqual([]);
      expect(beta.received).toEqual([]);
    });

    if (harness.capabilities.reportsRefusals)
      test.each(foreignWills)('a Last Will for %s is refused', async (topic) => {
        await expect(rig().device('alpha', { will: { ...will, topic } })).rejects.toMatchObject({ code: 5 });
        expect(rig().handler.events.filter((event) => !event.startsWith('refused'))).toEqual([]);
      });

    test('a missed keep-alive ends the session', async () => {
      const client = await (await rig().raw()).logIn({ keepAlive: 1 });
      await client.ended();
      await rig().handler.saw('disconnected alpha');
    });

    test('the same client id takes over: the old session ends, then the new one begins', async () => {
      const old = await rig().device('alpha', { will });
      const closed = new Promise<void>((resolve) => old.once('close', () => resolve()));
      const device = await rig().device('alpha');
      await closed;
      await rig().handler.saw('connected alpha', 2);
      expect(rig().handler.statusEvents).toEqual([
        'connected alpha',
        lastWill,
        'disconnected alpha',
        'connected alpha',
      ]);
      await device.publishAsync('devices/alpha/log', 'still here', { qos: 1 });
      await device.subscribeAsync('devices/alpha/command');
      await rig().broker.publish({ topic: 'devices/alpha/command', payload: 'x', qos: 0 });
      await eventually(() => expect(device.received).toHaveLength(1));
    });

    test('many take-overs at once leave one session, and calls alternate', async () => {
      const clients = await Promise.all(Array.from({ length: 10 }, () => rig().raw()));
      for (const client of clients) client.send(packets.connect());
      await eventually(() => expect(clients.filter(({ closed }) => !closed)).toHaveLength(1));
      const expected = Array.from({ length: 19 }, (_, i) => (i % 2 === 0 ? 'connected alpha' : 'disconnected alpha'));
      await eventually(() => expect(rig().handler.statusEvents).toEqual(expected));
    });

    test('another device cannot take a client id', async () => {
      const alpha = await rig().device('alpha', { clientId: 'the-same' });
      const beta = await rig().device('beta', { clientId: 'the-same' });
      await alpha.publishAsync('devices/alpha/log', 'a', { qos: 1 });
      await beta.publishAsync('devices/beta/log', 'b', { qos: 1 });
      await rig().handler.saw('message beta log b');
      expect(rig().handler.events).not.toContain('disconnected alpha');
    });

    if (harness.capabilities.severalConnections)
      test('a device with two connections is connected until the last one ends', async () => {
        const one = await rig().device('alpha', { clientId: 'one' });
        const two = await rig().device('alpha', { clientId: 'two' });
        await one.endAsync();
        await two.publishAsync('devices/alpha/log', 'x', { qos: 1 });
        expect(rig().handler.events).toEqual(['connected alpha', 'message alpha log x']);
        await two.endAsync();
        await rig().handler.saw('disconnected alpha');
      });

    if (harness.capabilities.severalConnections)
      test('clients without a client id do not disturb each other', async () => {
        const one = await rig().device('alpha', { clientId: '' });
        await rig().device('alpha', { clientId: '' });
        await one.publishAsync('devices/alpha/log', 'x', { qos: 1 });
      });

    const clientIds = harness.capabilities.severalConnections ? ['one', 'two'] : ['one'];
    test('disconnect cuts every connection of a device, drops Last Wills, and leaves others alone', async () => {
      for (const clientId of clientIds) await rig().device('alpha', { clientId, will });
      await rig().handler.saw('connected alpha');
      const beta = await rig().device('beta');
      await rig().handler.saw('connected beta');
      await rig().setSecret('alpha', 'rotated');
      await rig().broker.disconnect('alpha');
      await rig().handler.saw('disconnected alpha');
      await expect(rig().device('alpha')).rejects.toMatchObject({ code: 5 });
      await beta.publishAsync('devices/beta/log', 'x', { qos: 1 });
      await rig().handler.saw('message beta log x');
      expect(rig().handler.statusEvents).toEqual(['connected alpha', 'connected beta', 'disconnected alpha']);
    });

    test('after stop nothing can be sent', async () => {
      await rig().broker.ping();
      await rig().broker.stop?.(AbortSignal.timeout(5_000));
      const message = { topic: 'devices/alpha/config', payload: '', qos: 1 } as const;
      await expect(rig().broker.publish(message)).rejects.toMatchObject({ code: 'unavailable' });
      await expect(rig().broker.ping()).rejects.toMatchObject({ code: 'unavailable' });
    });

    if (harness.capabilities.endsSessionsOnStop)
      test('stop ends every session', async () => {
        await rig().device('alpha', { will });
        await rig().broker.stop?.(AbortSignal.timeout(5_000));
        expect(rig().handler.events).toEqual(['connected alpha', 'disconnected alpha']);
      });
  });
}

function hostileContract(harness: MqttHarness): void {
  describe('hostile input', () => {
    const rig = useRig(harness);
    const topic = 'devices/alpha/telemetry';

    async function stillServes(): Promise<void> {
      const beta = await rig().device('beta');
      await beta.publishAsync('devices/beta/log', 'fine', { qos: 1 });
      await rig().handler.saw('message beta log fine');
    }

    test.each([
      ['garbage', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
      ['zeros', Buffer.alloc(1_000)],
      ['a length that never ends', Buffer.from([0x10, 0xff, 0xff, 0xff, 0xff, 0xff])],
      ['an empty CONNECT', Buffer.from([0x10, 0])],
      ['a CONNECT cut short', packet(0x10, packets.connect().subarray(2, 20))],
      ['a huge CONNECT', Buffer.from([0x10, ...varint(200_000_000)])],
    ])('%s before login closes the connection', async (_what, bytes) => {
      const client = await rig().raw();
      client.send(bytes);
      await client.ended();
      expect(rig().handler.events).toEqual([]);
      await stillServes();
    });

    test.each([
      ['a second CONNECT', packets.connect()],
      ['QoS 3', packets.publish(topic, '{}', { qos: 3 })],
      ['message id 0', packets.publish(topic, '{}', { messageId: 0 })],
      ['a topic longer than its packet', packet(0x30, Buffer.from([0xff, 0xff, 1]))],
      ['an empty PUBLISH', Buffer.from([0x30, 0])],
      ...(harness.capabilities.reportsRefusals ? [SERVER_PACKET] : []),
      ['packet type 15', Buffer.from([0xf0, 0])],
      ['an empty SUBSCRIBE', Buffer.from([0x82, 2, 0, 1])],
      ['a SUBSCRIBE with a bad length', packet(0x82, Buffer.from([0, 1, 0xff, 0xff, 65]))],
    ])('%s after login closes the connection', async (_what, bytes) => {
      const client = await (await rig().raw()).logIn();
      client.send(bytes);
      await client.ended();
      await rig().handler.saw('disconnected alpha');
      await stillServes();
    });

    test('a payload over the limit reaches the handler, to be counted', async () => {
      const device = await rig().device('alpha');
      const size = harness.maxPayloadBytes + 1;
      await device.publishAsync(topic, Buffer.alloc(size), { qos: 1 });
      await rig().handler.saw(`message alpha telemetry ${size}`);
    });

    test('a packet far over the limit is not even read', async () => {
      const client = await (await rig().raw()).logIn();
      client.send(Buffer.from([0x32, ...varint(200_000_000)]));
      await client.ended();
      await rig().handler.saw('disconnected alpha');
      const refused = harness.capabilities.reportsRefusals ? ['refused alpha payload_too_large'] : [];
      expect(rig().handler.events).toEqual(['connected alpha', ...refused, 'disconnected alpha']);
    });

    test('packets arrive whole however they are cut', async () => {
      const client = await rig().raw();
      const messages = Array.from({ length: 5 }, (_, i) =>
        packets.publish(topic, 'x'.repeat(60 * i), { messageId: i + 1 }),
      );
      client.socket.setNoDelay(true);
      for (const byte of Buffer.concat([packets.connect(), ...messages])) {
        client.socket.write(Buffer.from([byte]));
        await new Promise(setImmediate);
      }
      await client.got('40020005');
      await eventually(() => {
        expect(rig().handler.messages.map(({ payload }) => payload.length)).toEqual([0, 60, 120, 180, 240]);
      });
    });
  });
}
