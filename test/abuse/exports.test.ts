import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { signIn } from '../support/api-client.ts';
import { type AttackedServer, startAttackedServer } from './attacked-server.ts';

const SAMPLES = 120_000;
let attacked: AttackedServer;
let deviceId: number;
const sockets: Socket[] = [];

beforeAll(async () => {
  attacked = await startAttackedServer();
  const { id, uid, secret } = await attacked.api.registerDevice();
  deviceId = id;
  const start = Date.now() - SAMPLES;
  for (let from = 0; from < SAMPLES; from += 1_000) {
    const samples = Array.from({ length: 1_000 }, (_, index) => ({
      timestamp: start + from + index,
      // Nothing that a column could leave out: the file is larger than what lies between two processes.
      metrics: { value: Math.random(), text: `${Math.random()} ${Math.random()} ${Math.random()}` },
    }));
    const response = await fetch(`${attacked.server.httpUrl}/api/v1/ingest/telemetry`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Basic ${btoa(`${uid}:${secret}`)}` },
      body: JSON.stringify(samples),
    });
    if (!response.ok) throw new Error(await response.text());
  }
}, 120_000);
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await attacked.stop();
});

/** Asks for a file and reads no more than its beginning. */
async function stall(token: string, format: string): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port: Number(new URL(attacked.server.httpUrl).port) });
  sockets.push(socket);
  socket.on('error', () => {});
  const head = `GET /api/v1/analytics/export/${deviceId}?format=${format} HTTP/1.1\r\nhost: x\r\n`;
  socket.write(`${head}authorization: Bearer ${token}\r\n\r\n`);
  const [first] = (await once(socket, 'data')) as [Buffer];
  if (!first.toString('latin1').startsWith('HTTP/1.1 200')) throw new Error(first.toString());
  socket.pause();
  return socket;
}

test.each(['parquet', 'csv'])(
  'readers that stop reading a %s file hold up no analytics',
  async (format) => {
    const readers: Socket[] = [];
    const strain = await attacked.strainOf(async () => {
      for (let each = 0; each < 3; each++) readers.push(await stall(attacked.api.token, format));
      const path = `/api/v1/analytics/anomalies/${deviceId}?metric=value`;
      // It would wait for ever.
      await attacked.api.call('GET', path);
    });
    expect(strain.slowestMs).toBeLessThan(25 * strain.quietMs);
    for (const reader of readers) reader.destroy();
  },
  60_000,
);

test('a user who is deleted receives nothing more of a file', async () => {
  const manager = { email: 'manager@example.com', password: 'correct horse battery' };
  const { id } = await attacked.api.call('POST', '/api/v1/users', { ...manager, role: 'MANAGER' });
  const { token } = await signIn(attacked.server, manager);
  const reader = await stall(token, 'csv');
  // The connection may be gone before the answer is here.
  const ended = new Promise((resolve) => reader.once('close', resolve));
  await attacked.api.call('DELETE', `/api/v1/users/${id}`);
  reader.resume();
  let received = 0;
  reader.on('data', (part: Buffer) => {
    received += part.length;
  });
  await ended;
  // A line has at least 70 bytes. What was on its way arrives, the file does not.
  expect(received).toBeLessThan(SAMPLES * 70);
});
