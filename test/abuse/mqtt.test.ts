import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connectAsync, type IClientOptions } from 'mqtt';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { packets, text, varint } from '#platform/mqtt/mqtt.harness.ts';
import type { RegisteredDevice } from '../support/api-client.ts';
import { freePort } from '../support/server-process.ts';
import { type AttackedServer, startAttackedServer } from './attacked-server.ts';

const MEBIBYTE = 2 ** 20;

let attacked: AttackedServer;
let wsPort: number;
beforeAll(async () => {
  wsPort = await freePort();
  attacked = await startAttackedServer({ MQTT_WS_PORT: String(wsPort) });
});
afterAll(() => attacked.stop());

const logIn = ({ uid, secret }: RegisteredDevice, options: IClientOptions = {}) =>
  connectAsync(attacked.server.mqttUrl, { username: uid, password: secret, reconnectPeriod: 50, ...options });

async function opened(): Promise<Socket> {
  const socket = connect(attacked.server.mqttPort, '127.0.0.1');
  socket.on('error', () => {});
  socket.resume();
  await once(socket, 'connect');
  return socket;
}

function written(socket: Socket, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => socket.write(bytes, (error) => (error ? reject(error) : resolve())));
}

test('2,000 CONNECTs that are never finished hold little, and devices log in meanwhile', async () => {
  const device = await attacked.api.registerDevice();
  const sockets: Socket[] = [];
  const strain = await attacked.strainOf(async () => {
    for (let i = 0; i < 2_000; i++) {
      const socket = await opened();
      sockets.push(socket);
      socket.write(Buffer.concat([Buffer.from([0x10, ...varint(16_000)]), Buffer.alloc(15_000)]));
      if (i % 500 !== 0) continue;
      const client = await logIn(device);
      await client.publishAsync(`devices/${device.uid}/telemetry`, `{"i":${i}}`, { qos: 1 });
      await client.endAsync();
    }
  });
  // From one address, 500 wait at a time.
  await vi.waitFor(() => expect(sockets.filter(({ closed }) => closed).length).toBeGreaterThanOrEqual(1_500), 10_000);
  for (const socket of sockets) socket.destroy();
  expect(strain.slowestMs).toBeLessThan(25 * strain.quietMs);
  expect(strain.grownBytes).toBeLessThan(80 * MEBIBYTE);
});

const UPGRADE =
  'GET / HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\n' +
  'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\nsec-websocket-protocol: mqtt\r\n\r\n';

/** The head of a WebSocket frame of `length` bytes whose mask changes nothing. */
function frameHead(length: number): Buffer {
  const head = Buffer.alloc(14);
  head.set([0x82, 0xff]);
  head.writeBigUInt64BE(BigInt(length), 2);
  return head;
}

test.each(['mqtt', 'ws'])('payloads of 15 MiB by %s are acknowledged, counted and not kept', async (scheme) => {
  const size = 15 * MEBIBYTE;
  const part = Buffer.alloc(MEBIBYTE);
  const inFrames = (bytes: Buffer) => (scheme === 'ws' ? Buffer.concat([frameHead(bytes.length), bytes]) : bytes);
  const devices = await Promise.all(Array.from({ length: 3 }, () => attacked.api.registerDevice()));
  const sockets: Socket[] = [];
  const strain = await attacked.strainOf(async () => {
    const publishers = devices.flatMap((device) =>
      Array.from({ length: 8 }, (_, n) => ({ device, clientId: `c${n}` })),
    );
    await Promise.all(
      publishers.map(async ({ device: { uid, secret }, clientId }) => {
        const socket = connect(scheme === 'ws' ? wsPort : attacked.server.mqttPort, '127.0.0.1');
        sockets.push(socket);
        await once(socket, 'connect');
        if (scheme === 'ws') socket.write(UPGRADE);
        socket.write(inFrames(packets.connect({ uid, secret, clientId })));
        const topic = text(`devices/${uid}/telemetry`);
        const head = Buffer.concat([topic, Buffer.from([0, 7])]);
        const start = Buffer.concat([Buffer.from([0x32, ...varint(head.length + size)]), head]);
        if (scheme === 'ws') socket.write(frameHead(start.length + size));
        socket.write(start);
        // All but the last.
        for (let sent = MEBIBYTE; sent < size; sent += MEBIBYTE) await written(socket, part);
      }),
    );
  });
  // Kept, it were 336 MiB.
  expect(strain.grownBytes).toBeLessThan(150 * MEBIBYTE);
  expect(strain.slowestMs).toBeLessThan(25 * strain.quietMs);

  await Promise.all(
    sockets.map(async (socket) => {
      let answer = '';
      socket.on('data', (chunk: Buffer) => {
        answer += chunk.toString('hex');
      });
      await written(socket, part);
      while (!answer.endsWith('40020007')) await once(socket, 'data');
    }),
  );
  for (const { id } of devices) {
    expect(await attacked.api.ledger(id)).toMatchObject({ received: 8, rejected: { payload_too_large: 8 } });
  }
  for (const socket of sockets) socket.destroy();
});

test('a device that floods foreign topics is counted and closed again and again, and few lines are logged', async () => {
  const [device, other] = [await attacked.api.registerDevice(), await attacked.api.registerDevice()];
  const linesBefore = attacked.server.output().split('\n').length;
  const client = await logIn(device, { clean: false, clientId: 'flood' });
  let closes = 0;
  client.on('close', () => {
    closes += 1;
  });
  const strain = await attacked.strainOf(async () => {
    // Each is acknowledged in the end, over as many connections as it takes: no loop.
    await Promise.all(
      Array.from({ length: 1_000 }, () => client.publishAsync(`devices/${other.uid}/telemetry`, '{"a":1}', { qos: 1 })),
    );
  });
  await client.endAsync(true);
  expect(closes).toBeGreaterThanOrEqual(9);
  const ledger = await attacked.api.ledger(device.id);
  expect(ledger.rejected['forbidden_topic']).toBe(ledger.received);
  expect(ledger.received).toBeGreaterThanOrEqual(1_000);
  // What is sent again is what was unacknowledged when its connection was closed.
  expect(ledger.received).toBeLessThan(10_000);
  expect(await attacked.api.ledger(other.id)).toMatchObject({ received: 0 });
  expect(strain.slowestMs).toBeLessThan(25 * strain.quietMs);
  expect(attacked.server.output().split('\n').length - linesBefore).toBeLessThan(20);
});

test('WebSocket pings of a client that does not read hold little', async () => {
  const socket = connect(wsPort, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(UPGRADE);
  socket.pause();
  const ping = Buffer.concat([Buffer.from([0x89, 0x80 | 125, 0, 0, 0, 0]), Buffer.alloc(125)]);
  const pings = Buffer.concat(Array<Buffer>(500).fill(ping));
  const strain = await attacked.strainOf(async () => {
    for (let sent = 0; sent < 1_500 && !socket.destroyed; sent++) {
      if (!socket.write(pings)) await Promise.race([once(socket, 'drain'), once(socket, 'close')]);
    }
  });
  socket.destroy();
  expect(strain.grownBytes).toBeLessThan(60 * MEBIBYTE);
  expect(strain.slowestMs).toBeLessThan(25 * strain.quietMs);
});
