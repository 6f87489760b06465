import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseAnswer, type RawClient, rawClient } from '../support/raw-http.ts';
import { type AttackedServer, type Strain, startAttackedServer } from './attacked-server.ts';

const MIB = 2 ** 20;
/** Another client than the one that asks `/livez`. */
const ATTACKER = '127.0.0.2';

let attacked: AttackedServer;
beforeAll(async () => {
  attacked = await startAttackedServer();
});
afterAll(() => attacked.stop());

const connectAs = (text: string | Buffer = '', from = ATTACKER) =>
  rawClient(Number(new URL(attacked.server.httpUrl).port), text, from);

const many = <T>(count: number, make: (index: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, index) => make(index)));

const login = (length: number, more = '') =>
  `POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${more}Content-Length: ${length}\r\n\r\n`;

async function statusesOf(clients: readonly RawClient[]): Promise<Set<number>> {
  const received = await Promise.all(clients.map((client) => client.closed()));
  return new Set(received.map((text) => parseAnswer(text).status));
}

function expectLittle({ slowestMs, quietMs, grownBytes }: Strain, bytes: number): void {
  expect(slowestMs).toBeLessThan(25 * quietMs);
  expect(grownBytes).toBeLessThan(bytes);
}

test('logins that are never finished end by themselves, and large ones are not even taken', async () => {
  let [unfinished, large] = [new Set<number>(), new Set<number>()];
  const strain = await attacked.strainOf(async () => {
    const bodies = many(100, () => connectAs(login(64 * 1024) + 'x'.repeat(64 * 1024 - 1)));
    large = await statusesOf(await many(100, () => connectAs(login(4 * MIB))));
    unfinished = await statusesOf(await bodies);
  });
  expect([unfinished, large]).toEqual([new Set([408]), new Set([413])]);
  expectLittle(strain, 60 * MIB);
});

test('nested arrays are not parsed', async () => {
  const raw = '['.repeat(64 * 1024);
  let statuses = new Set<number>();
  const strain = await attacked.strainOf(async () => {
    const send = () => connectAs(`${login(raw.length, 'Connection: close\r\n')}${raw}`);
    statuses = await statusesOf(await many(200, send));
  });
  expect(statuses).toEqual(new Set([422]));
  expectLittle(strain, 100 * MIB);
});

test('a little that unpacks to much is refused where the limit is reached', async () => {
  const bomb = gzipSync(Buffer.alloc(60 * MIB, ' '));
  expect(bomb.length).toBeLessThan(64 * 1024);
  let statuses = new Set<number>();
  const strain = await attacked.strainOf(async () => {
    const head = login(bomb.length, 'Content-Encoding: gzip\r\n');
    statuses = await statusesOf(await many(100, () => connectAs(Buffer.concat([Buffer.from(head), bomb]))));
  });
  expect(statuses).toEqual(new Set([413]));
  expectLittle(strain, 100 * MIB);
});

test('heads that never end are given up, and one address cannot take every connection', async () => {
  let cut = 0;
  let statuses = new Set<number>();
  const strain = await attacked.strainOf(async () => {
    const clients = await many(1_200, () => connectAs('GET /livez HTTP/1.1\r\nHost: x\r\nX-Slow: '));
    const dripping = setInterval(() => {
      for (const { socket } of clients) if (socket.writable) socket.write('x');
    }, 500);
    const received = await Promise.all(clients.map((client) => client.closed()));
    clearInterval(dripping);
    cut = received.filter((text) => text === '').length;
    statuses = new Set(received.filter((text) => text !== '').map((text) => parseAnswer(text).status));
  });
  // 1,000 connections are taken of an address; the others are closed at once.
  expect(cut).toBeGreaterThanOrEqual(200);
  expect(statuses).toEqual(new Set([408]));
  expectLittle(strain, 100 * MIB);
});

test('a few bytes that ask for large windows cost little', async () => {
  /** Frames without an end that ask for 128 MiB, and for the 8 MiB that are allowed. */
  const zstd = (bits: number) => Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, (bits - 10) << 3, 8, 0, 0, 0x7b]);
  const br = (bits: number) =>
    brotliCompressSync(Buffer.alloc(16 * MIB, ' '), { params: { [constants.BROTLI_PARAM_LGWIN]: bits } });
  const seen: Record<string, Set<number>> = {};
  const strain = await attacked.strainOf(async () => {
    for (const [encoding, name, body, count] of [
      ['zstd', 'zstd 27', zstd(27), 900],
      ['zstd', 'zstd 23', zstd(23), 900],
      ['br', 'br 24', br(24), 200],
      ['br', 'br 22', br(22), 200],
    ] as const) {
      const head = login(body.length, `Content-Encoding: ${encoding}\r\nConnection: close\r\n`);
      const send = () => connectAs(Buffer.concat([Buffer.from(head), body]));
      // Half of each body, too: it costs no decoder.
      const half = await many(50, () => connectAs(Buffer.concat([Buffer.from(head), body.subarray(0, -1)])));
      seen[name] = await statusesOf(await many(count, send));
      for (const { socket } of half) socket.destroy();
    }
  });
  expect(seen).toEqual({
    'zstd 27': new Set([415]),
    'zstd 23': new Set([400]),
    'br 24': new Set([415]),
    'br 22': new Set([413]),
  });
  expectLittle(strain, 100 * MIB);
}, 60_000);

test('a device that holds as many bodies as it can stops nobody else', async () => {
  const { uid, secret } = await attacked.api.registerDevice();
  const head =
    'POST /api/v1/ingest/telemetry HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n' +
    `Authorization: Basic ${btoa(`${uid}:${secret}`)}\r\nContent-Length: ${4 * MIB}\r\n\r\n`;
  const unfinished = Buffer.from(head + ' '.repeat(4 * MIB - 1));
  const logins: number[] = [];
  const strain = await attacked.strainOf(async () => {
    const clients = await many(33, () => connectAs(unfinished));
    const isDone = () =>
      clients.every(({ socket, received }) => received() !== '' || (socket.writableLength === 0 && !socket.connecting));
    do {
      const body = JSON.stringify({ email: 'nobody@example.com', password: 'correct horse battery' });
      const client = await connectAs(login(body.length, 'Connection: close\r\n') + body, '127.0.0.3');
      logins.push(parseAnswer(await client.closed()).status);
    } while (!isDone() || logins.length < 3);
    expect(clients.some(({ received }) => parseAnswer(received()).status === 503)).toBe(true);
    for (const { socket } of clients) socket.destroy();
  });
  expect(new Set(logins).isSubsetOf(new Set([401, 429]))).toBe(true);
  expectLittle(strain, 150 * MIB);
}, 60_000);
