import { gzipSync } from 'node:zlib';
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
