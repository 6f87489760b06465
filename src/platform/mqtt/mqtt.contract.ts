import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { mqttAcknowledgementContract } from './mqtt.delivery.contract.ts';
import { createRig, DEVICE_CHANNELS, eventually, type MqttHarness, type MqttRig, packets } from './mqtt.harness.ts';
import { mqttHostileContract } from './mqtt.hostile.contract.ts';

/** What every adapter of `MqttBroker` keeps. Run by each adapter's own test file. */
export function mqttContract(harness: MqttHarness): void {
  describe(`${harness.name}: MQTT broker`, () => {
    loginContract(harness);
    topicContract(harness);
    sessionContract(harness);
    if (harness.capabilities.holdsAcknowledgements) mqttAcknowledgementContract(harness);
    mqttHostileContract(harness);
  });
}

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

    test.each(DEVICE_CHANNELS)('a device publishes to its %s', async (channel) => {
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

    // Mosquitto takes a topic of more than 200 levels for a malformed packet.
    const answered = harness.capabilities.reportsRefusals ? forbidden : forbidden.slice(0, -1);

    test.each(answered)('a publish to %.40s is answered, or its client would send it for ever', async (topic) => {
      const client = await (await rig().raw()).logIn();
      client.send(
        packets.publish(topic, '{}', { messageId: 7 }),
        packets.publish(topic, '{}', { qos: 2, messageId: 8 }),
        packets.publish(topic, '{}', { qos: 0 }),
      );
      await client.got('40020007');
      await client.got('50020008');
      await client.send(packets.pubrel(8)).got('70020008');
      await client.send(packets.publish('devices/alpha/log', 'goes on', { messageId: 9 })).got('40020009');
      await rig().handler.saw('message alpha log goes on');
      const refused = harness.capabilities.reportsRefusals ? Array(3).fill('refused alpha topic') : [];
      expect(rig().handler.events).toEqual(['connected alpha', ...refused, 'message alpha log goes on']);
    });

    if (harness.capabilities.reportsRefusals)
      test('a device that goes on publishing where it may not is closed, its neighbour is not', async () => {
        const client = await (await rig().raw()).logIn();
        const neighbour = await (await rig().raw()).logIn({ uid: 'beta' });
        for (let id = 1; id <= 99; id++) client.send(packets.publish('elsewhere', '{}', { messageId: id }));
        await client.got('40020063');
        await client.roundTrip();
        client.send(packets.publish('elsewhere', '{}', { messageId: 100 }));
        await client.ended();
        await rig().handler.saw('refused alpha topic', 100);
        neighbour.send(packets.publish('elsewhere', '{}', { messageId: 1 }));
        await neighbour.got('40020001');
        await neighbour.roundTrip();
      });

    test('a client library that publishes where it may not gets on, over its connections too', async () => {
      const device = await rig().device('alpha', { clean: false, reconnectPeriod: 10 });
      await device.publishAsync('devices/beta/telemetry', 'foreign', { qos: 1 });
      await device.publishAsync('devices/beta/telemetry', 'foreign', { qos: 2 });
      device.stream.destroy();
      await new Promise((resolve) => device.once('connect', resolve));
      await device.publishAsync('devices/alpha/log', 'own', { qos: 1 });
      await rig().handler.saw('message alpha log own');
      expect(rig().handler.messages.map(({ payload }) => payload.toString())).toEqual(['own']);
    });

    test.each(['command', 'config', 'ota'] as const)('a device subscribes to its %s', async (channel) => {
      const device = await rig().device('alpha');
      await device.subscribeAsync(`devices/alpha/${channel}`, { qos: 1 });
      await rig().downlink.publish({ deviceUid: 'alpha', channel, payload: '{"b":2}' });
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
      await rig().downlink.publish({ deviceUid: 'beta', channel: 'command', payload: 'secret' });
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
      const again = await rig().device('alpha', { clean: false, resubscribe: false });
      await rig().wasTold('subscribed alpha command', 2);
      await rig().downlink.publish({ deviceUid: 'beta', channel: 'command', payload: 'not for alpha' });
      await rig().downlink.publish({ deviceUid: 'alpha', channel: 'command', payload: 'for alpha' });
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
      await rig().downlink.publish({ deviceUid: 'alpha', channel: 'command', payload: 'x' });
      await eventually(() => expect(device.received).toHaveLength(1));
    });

    test('many take-overs at once leave one session, and calls alternate', async () => {
      const clients = await Promise.all(Array.from({ length: 10 }, () => rig().raw()));
      for (const client of clients) client.send(packets.connect());
      await eventually(() => expect(clients.filter(({ closed }) => !closed)).toHaveLength(1));
      const expected = Array.from({ length: 19 }, (_, i) => (i % 2 === 0 ? 'connected alpha' : 'disconnected alpha'));
      await eventually(() => expect(rig().handler.statusEvents).toEqual(expected));
    });

    test('Session Present says whether the session was there, with or without a subscription', async () => {
      const present = async (options: { clean: boolean }, hex: string) => {
        const client = await rig().raw();
        await client.send(packets.connect({ clientId: 'client-of-alpha', ...options })).got(hex);
        client.send(packets.disconnect());
        await client.ended();
        await rig().handler.saw(
          'disconnected alpha',
          rig().handler.events.filter((e) => e === 'connected alpha').length,
        );
      };
      await present({ clean: true }, '20020000');
      await present({ clean: false }, '20020000');
      await present({ clean: false }, '20020100');
      await present({ clean: true }, '20020000');
      await present({ clean: false }, '20020000');
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

    test('after stop nothing can be taken', async () => {
      await rig().broker.ping();
      await rig().broker.stop?.(AbortSignal.timeout(5_000));
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
