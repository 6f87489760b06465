import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  createRig,
  eventually,
  type MqttHarness,
  type MqttRig,
  packet,
  packets,
  text,
  varint,
} from './mqtt.harness.ts';

const topic = 'devices/alpha/telemetry';
const MEBIBYTE = 1024 * 1024;

/** A broker may say so before it closes (section 3.1.2.2), e.g. to an empty CONNECT. */
const WRONG_VERSION = '20020001';

/** Harmless; Mosquitto takes no notice of it. */
const SERVER_PACKET: [string, Buffer] = ['a server packet', Buffer.from([0xd0, 0])];

/** Ill-formed by MQTT 3.1.1 section 1.5.3. */
const NO_STRINGS: readonly [string, Buffer][] = [
  ['bytes that are not UTF-8', Buffer.from([0x61, 0xff])],
  ['a surrogate', Buffer.from([0x61, 0xed, 0xa0, 0x80])],
  ['an overlong form', Buffer.from([0x61, 0xc0, 0xaf])],
  ['U+0000', Buffer.from([0x61, 0])],
];

const WILL = Buffer.concat([text('devices/alpha/status'), text('{"status":"ERROR"}')]);

/** What MQTT 3.1.1 says has to end a connection, and Mosquitto does too. */
const BEFORE_LOGIN: readonly [string, Buffer][] = [
  ['garbage', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
  ['zeros', Buffer.alloc(1_000)],
  ['a length that never ends', Buffer.from([0x10, 0xff, 0xff, 0xff, 0xff, 0xff])],
  ['an empty CONNECT', Buffer.from([0x10, 0])],
  ['a CONNECT cut short', packet(0x10, packets.connect().subarray(2, 20))],
  ['a huge CONNECT', Buffer.from([0x10, ...varint(200_000_000)])],
  ['a CONNECT with the reserved flag', packets.connect({ flags: 0xc3 })],
  ['a Last Will of QoS 3', packets.connect({ flags: 0xde, will: WILL })],
  ['a will QoS without a will', packets.connect({ flags: 0xca })],
  ['a will retain flag without a will', packets.connect({ flags: 0xe2 })],
];

/** The same, and Mosquitto 2.0 lets it pass. */
const BEFORE_LOGIN_STRICTLY: readonly [string, Buffer][] = [
  [
    'a CONNECT with reserved bits in its first byte',
    Buffer.concat([Buffer.from([0x13]), packets.connect().subarray(1)]),
  ],
  ['a CONNECT with bytes behind its end', packets.connect({ trailing: Buffer.from([0]) })],
  ['a will on an empty topic', packets.connect({ flags: 0xc6, will: Buffer.concat([text(''), text('x')]) })],
  ['a will on a wildcard', packets.connect({ flags: 0xc6, will: Buffer.concat([text('devices/#'), text('x')]) })],
  ...NO_STRINGS.flatMap(([what, bytes]): [string, Buffer][] => [
    [`a client id with ${what}`, packets.connect({ clientId: bytes })],
    [`a will topic with ${what}`, packets.connect({ flags: 0xc6, will: Buffer.concat([text(bytes), text('x')]) })],
  ]),
];

const AFTER_LOGIN: readonly [string, Buffer][] = [
  ['a second CONNECT', packets.connect()],
  ['QoS 3', packets.publish(topic, '{}', { qos: 3 })],
  ['message id 0', packets.publish(topic, '{}', { messageId: 0 })],
  ['a topic longer than its packet', packet(0x30, Buffer.from([0xff, 0xff, 1]))],
  ['an empty PUBLISH', Buffer.from([0x30, 0])],
  ['packet type 15', Buffer.from([0xf0, 0])],
  ['an empty SUBSCRIBE', Buffer.from([0x82, 2, 0, 1])],
  ['a SUBSCRIBE with a bad length', packet(0x82, Buffer.from([0, 1, 0xff, 0xff, 65]))],
  ['a SUBSCRIBE with QoS 3', packets.subscribe('devices/alpha/command', 3)],
  ['a PUBLISH on a wildcard', packets.publish('devices/+/telemetry', '{}')],
  ...NO_STRINGS.map(([what, bytes]): [string, Buffer] => [`a topic with ${what}`, packets.publish(bytes, '{}')]),
];

const AFTER_LOGIN_STRICTLY: readonly [string, Buffer][] = [
  SERVER_PACKET,
  ['DUP with QoS 0', packets.publish(topic, '{}', { qos: 0, dup: true })],
  ['an empty topic', packets.publish('', '{}')],
  ['a SUBSCRIBE with message id 0', packets.subscribe('devices/alpha/command', 1, 0)],
  ['an UNSUBSCRIBE with message id 0', packets.unsubscribe('devices/alpha/command', 0)],
  ['an UNSUBSCRIBE of nothing', Buffer.from([0xa2, 2, 0, 1])],
  ['a PUBREL with message id 0', packets.pubrel(0)],
  ['a PUBACK with message id 0', Buffer.from([0x40, 2, 0, 0])],
  ['a PINGREQ with a body', Buffer.from([0xc0, 1, 0])],
  ['a PINGREQ with flags', Buffer.from([0xc1, 0])],
  ['a DISCONNECT with flags', Buffer.from([0xe1, 0])],
  ['a SUBSCRIBE without its flags', Buffer.concat([Buffer.from([0x80]), packets.subscribe('a').subarray(1)])],
  ...NO_STRINGS.map(([what, bytes]): [string, Buffer] => [`a filter with ${what}`, packets.subscribe(bytes)]),
];

/** The part of the contract about those who do not keep to the protocol, or mean harm. */
export function mqttHostileContract(harness: MqttHarness): void {
  const { reportsRefusals: strict } = harness.capabilities;

  describe('hostile input', () => {
    let rig: MqttRig;
    beforeEach(async () => {
      rig = await createRig(harness);
    });
    afterEach(() => rig.close());

    async function stillServes(): Promise<void> {
      const beta = await rig.device('beta');
      await beta.publishAsync('devices/beta/log', 'fine', { qos: 1 });
      await rig.handler.saw('message beta log fine');
    }

    async function stillAnswers(): Promise<void> {
      const other = await (await rig.raw()).logIn({ uid: 'beta' });
      await other.roundTrip();
    }

    test.each([...BEFORE_LOGIN, ...(strict ? BEFORE_LOGIN_STRICTLY : [])])(
      '%s before login closes the connection',
      async (_what, bytes) => {
        const client = await rig.raw();
        client.send(bytes);
        await client.ended();
        expect(client.received.filter((hex) => hex !== WRONG_VERSION)).toEqual([]);
        expect(rig.handler.events).toEqual([]);
        await stillServes();
      },
    );

    test.each([...AFTER_LOGIN, ...(strict ? AFTER_LOGIN_STRICTLY : [])])(
      '%s after login closes the connection',
      async (_what, bytes) => {
        const client = await (await rig.raw()).logIn();
        client.send(bytes);
        await client.ended();
        await rig.handler.saw('disconnected alpha');
        expect(rig.handler.events).toEqual(['connected alpha', 'disconnected alpha']);
        await stillServes();
      },
    );

    test('a payload over the limit reaches the handler, to be counted', async () => {
      const device = await rig.device('alpha');
      const size = harness.maxPayloadBytes + 1;
      await device.publishAsync(topic, Buffer.alloc(size), { qos: 1 });
      await rig.handler.saw(`message alpha telemetry ${size}`);
    });

    test('a payload far over the limit is acknowledged and dropped, and the connection goes on', async () => {
      const device = await rig.device('alpha', { clean: false, reconnectPeriod: 10 });
      for (const size of [128 * 1024, MEBIBYTE, 16 * MEBIBYTE - 100]) {
        await device.publishAsync(topic, Buffer.alloc(size), { qos: 1 });
        await device.publishAsync(topic, Buffer.alloc(size), { qos: 2 });
      }
      await device.publishAsync(topic, Buffer.alloc(MEBIBYTE), { qos: 0 });
      await device.publishAsync('devices/beta/log', Buffer.alloc(MEBIBYTE), { qos: 1 });
      await device.publishAsync('devices/alpha/log', 'next', { qos: 1 });
      await rig.handler.saw('message alpha log next');
      const refused = Array(7).fill('refused alpha payload_too_large');
      const told = ['connected alpha', ...refused, 'refused alpha topic', 'message alpha log next'];
      expect(rig.handler.events.filter((event) => strict || !event.includes('telemetry'))).toEqual(
        strict ? told : ['connected alpha', 'message alpha log next'],
      );
    });

    if (strict)
      test('a payload that is too large is answered when its last byte has come and it has been counted', async () => {
        const client = await (await rig.raw()).logIn();
        rig.handler.hold = true;
        const large = packets.publish(topic, Buffer.alloc(MEBIBYTE), { messageId: 5 });
        client.send(large.subarray(0, -1));
        // Whatever else the server does now, it has read that.
        await stillAnswers();
        expect(rig.handler.heldRefusals).toEqual([]);
        client.send(large.subarray(-1));
        await client.roundTrip();
        expect(client.received).toEqual(['20020000', 'd000']);
        expect(rig.handler.heldRefusals).toHaveLength(1);
        rig.handler.heldRefusals[0]?.();
        await client.got('40020005');
      });

    test('a packet beyond all limits is not even read', async () => {
      const client = await (await rig.raw()).logIn();
      client.send(Buffer.from([0x32, ...varint(200_000_000)]));
      await client.ended();
      await rig.handler.saw('disconnected alpha');
      const refused = strict ? ['refused alpha payload_too_large'] : [];
      expect(rig.handler.events).toEqual(['connected alpha', ...refused, 'disconnected alpha']);
    });

    test('packets arrive whole however they are cut', async () => {
      const client = await rig.raw();
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
        expect(rig.handler.messages.map(({ payload }) => payload.length)).toEqual([0, 60, 120, 180, 240]);
      });
    });
  });
}
