import { connect } from 'node:net';
import mqtt from 'mqtt';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { systemClock } from '#kernel/clock.ts';
import { createEventBus } from '#kernel/events.ts';
import { silentLogger } from '#kernel/logger.ts';
import { DEVICE_CHANNELS, eventually, packets, RecordingHandler, varint } from '../mqtt.harness.ts';
import { type AedesBroker, createAedesBroker } from './aedes.ts';
import { type AedesDownlink, createAedesDownlink } from './downlink.ts';

const TOPIC = 'devices/alpha/telemetry';
const MEBIBYTE = 1024 * 1024;

let handler: RecordingHandler;
let broker: AedesBroker;
let downlink: AedesDownlink;
let address: string;
let closing: (() => Promise<unknown> | unknown)[];
beforeEach(async () => {
  handler = new RecordingHandler();
  const limits = { maxPayloadBytes: 64 * 1024 };
  const runtime = { events: createEventBus(silentLogger), clock: systemClock, logger: silentLogger };
  downlink = createAedesDownlink(runtime);
  const listeners = { channels: DEVICE_CHANNELS, host: '127.0.0.1', port: 0, wsPort: 0 };
  broker = createAedesBroker({ ...listeners, handler, downlink: downlink.edge, logger: silentLogger, limits });
  await broker.start?.(AbortSignal.timeout(5_000));
  address = `127.0.0.1:${broker.ports().ws}`;
  closing = [];
});
afterEach(async () => {
  for (const close of closing.reverse()) await close();
  await broker.stop?.(AbortSignal.timeout(2_000));
});

async function opened(): Promise<WebSocket & { readonly bytes: Buffer[]; readonly code: Promise<number> }> {
  const socket = new WebSocket(`ws://${address}/mqtt`, 'mqtt');
  closing.push(() => socket.terminate());
  const bytes: Buffer[] = [];
  socket.on('message', (data: Buffer) => bytes.push(data));
  socket.on('error', () => {});
  const code = new Promise<number>((resolve) => socket.once('close', resolve));
  await new Promise((resolve) => socket.once('open', resolve));
  return Object.assign(socket, { bytes, code });
}

const received = (socket: { readonly bytes: Buffer[] }) => Buffer.concat(socket.bytes).toString('hex');

test('MQTT over WebSocket', async () => {
  const client = mqtt.connect(`ws://${address}/mqtt`, {
    username: 'alpha',
    password: 'alpha-secret',
    reconnectPeriod: 0,
  });
  closing.push(() => client.endAsync(true));
  await client.publishAsync(TOPIC, 'x'.repeat(60_000), { qos: 1 });
  await client.publishAsync('devices/alpha/log', 'b', { qos: 2 });
  await client.subscribeAsync('devices/alpha/command');
  const payloads: string[] = [];
  client.on('message', (_topic, payload) => payloads.push(payload.toString()));
  const sent = ['hello', 'y'.repeat(1_000), 'z'.repeat(70_000)];
  for (const payload of sent) await downlink.port.publish({ deviceUid: 'alpha', channel: 'command', payload });
  await eventually(() => expect(payloads).toEqual(sent));
  await client.endAsync();
  await handler.saw('disconnected alpha');
  expect(handler.lastIpAddress).toBe('127.0.0.1');
  expect(broker.addresses()[1]).toBe(`ws://${address}`);
});

test('a payload that is too large is acknowledged and dropped, in one frame as in many', async () => {
  const client = await mqtt.connectAsync(`ws://${address}/mqtt`, {
    username: 'alpha',
    password: 'alpha-secret',
    reconnectPeriod: 10,
  });
  closing.push(() => client.endAsync(true));
  for (const size of [MEBIBYTE, 16 * MEBIBYTE]) await client.publishAsync(TOPIC, Buffer.alloc(size), { qos: 1 });
  await client.publishAsync('devices/alpha/log', 'next', { qos: 1 });
  const refused = 'refused alpha payload_too_large';
  expect(handler.events).toEqual(['connected alpha', refused, refused, 'message alpha log next']);

  const socket = await opened();
  socket.send(packets.connect({ clientId: 'two' }));
  const large = packets.publish(TOPIC, Buffer.alloc(MEBIBYTE), { messageId: 9 });
  for (let at = 0; at < large.length; at += 100_000) {
    socket.send(large.subarray(at, at + 100_000), { fin: at + 100_000 >= large.length });
  }
  await eventually(() => expect(received(socket)).toBe('2002000040020009'));
});

test('packets arrive whole however they are cut into frames', async () => {
  const socket = await opened();
  const all = Buffer.concat([packets.connect(), packets.publish(TOPIC, 'abc', { messageId: 3 })]);
  for (const byte of all) {
    socket.send(Buffer.from([byte]));
    socket.ping();
  }
  await eventually(() => expect(received(socket)).toBe('2002000040020003'));
  socket.send(Buffer.concat([packets.publish(TOPIC, 'd', { messageId: 4 }), packets.disconnect()]));
  expect(await socket.code).toBe(1000);
  expect(handler.messages.map(({ payload }) => payload.toString())).toEqual(['abc', 'd']);
});

test('a payload is unmasked whatever its length and wherever it is cut', async () => {
  const socket = await opened();
  socket.send(packets.connect());
  const payloads = Array.from({ length: 40 }, (_, n) =>
    Buffer.from(Array.from({ length: 97 + n }, (_, i) => (i * 7 + n) & 0xff)),
  );
  const all = Buffer.concat(payloads.map((payload, n) => packets.publish(TOPIC, payload, { messageId: n + 1 })));
  for (let at = 0, size = 1; at < all.length; at += size, size = (size * 3) % 101) {
    socket.send(all.subarray(at, at + size), { fin: true });
  }
  await eventually(() => expect(handler.messages).toHaveLength(40));
  expect(handler.messages.map(({ payload }) => payload.toString('hex'))).toEqual(
    payloads.map((payload) => payload.toString('hex')),
  );
});

test('a text frame ends the connection, and what is in it is not taken (MQTT 3.1.1, 6.0.0-1)', async () => {
  const early = await opened();
  early.send(packets.connect().toString('latin1'), { binary: false });
  expect(await early.code).toBe(1003);

  const late = await opened();
  late.send(packets.connect());
  await eventually(() => expect(received(late)).toBe('20020000'));
  late.send(packets.publish(TOPIC, 'x', { qos: 0 }).toString('latin1'), { binary: false });
  expect(await late.code).toBe(1003);
  await handler.saw('disconnected alpha');
  expect(handler.events).toEqual(['connected alpha', 'disconnected alpha']);
});

test('the peer is answered when it closes, and pings are', async () => {
  const socket = await opened();
  const pong = new Promise<Buffer>((resolve) => socket.once('pong', resolve));
  socket.ping('are you there');
  expect((await pong).toString()).toBe('are you there');
  socket.close(1000);
  expect(await socket.code).toBe(1000);
});

describe('frames that RFC 6455 does not allow end the connection', () => {
  const connectBytes = packets.connect();
  test.each([
    ['one without a mask', Buffer.concat([Buffer.from([0x82, connectBytes.length]), connectBytes])],
    ['a reserved bit', Buffer.from([0xc2, 0x80, 0, 0, 0, 0])],
    ['an unknown opcode', Buffer.from([0x83, 0x80, 0, 0, 0, 0])],
    ['a continuation of nothing', Buffer.from([0x80, 0x80, 0, 0, 0, 0])],
    ['a ping in two parts', Buffer.from([0x09, 0x80, 0, 0, 0, 0])],
    ['a ping of 200 bytes', Buffer.from([0x89, 0xfe, 0, 200, 0, 0, 0, 0])],
    ['a message within another', Buffer.from([0x02, 0x80, 0, 0, 0, 0, 0x82, 0x80, 0, 0, 0, 0])],
  ])('%s', async (_what, frame) => {
    const socket = connect(Number(address.split(':')[1]), '127.0.0.1');
    closing.push(() => socket.destroy());
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
    });
    const ended = new Promise((resolve) => socket.once('end', resolve));
    socket.write(
      'GET / HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\n' +
        'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\nsec-websocket-protocol: mqtt\r\n\r\n',
    );
    socket.write(frame);
    await ended;
    expect(answer).toContain('101 Switching Protocols');
    // Close, with code 1002.
    expect(answer.slice(-4)).toBe('\x88\x02\x03\xea');
    expect(handler.events).toEqual([]);
  });
});

test('a WebSocket that does not offer mqtt is refused, and so is plain HTTP', async () => {
  const socket = new WebSocket(`ws://${address}`);
  await expect(new Promise((_, reject) => socket.once('error', reject))).rejects.toThrow('400');
  expect((await fetch(`http://${address}/`)).status).toBe(426);
});

test('a frame that is said to be huge costs nothing', async () => {
  const socket = await opened();
  socket.send(Buffer.concat([packets.connect(), Buffer.from([0x32, ...varint(200_000_000)])]));
  await socket.code;
  await handler.saw('disconnected alpha');
});
