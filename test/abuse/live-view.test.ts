import { io, type Socket } from 'socket.io-client';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { clientFrame, OPCODE, openRawWebSocket, type RawWebSocket } from '../support/raw-websocket.ts';
import { freePort } from '../support/server-process.ts';
import { type AttackedServer, startAttackedServer } from './attacked-server.ts';

const SOCKET_IO = '/socket.io/?EIO=4&transport=websocket';
let attacked: AttackedServer;
let ports: { readonly http: number; readonly mqtt: number };
const opened: (Socket | RawWebSocket)[] = [];

beforeAll(async () => {
  const mqtt = await freePort();
  attacked = await startAttackedServer({ MQTT_WS_PORT: String(mqtt) });
  ports = { http: Number(new URL(attacked.server.httpUrl).port), mqtt };
});
afterEach(() => {
  for (const each of opened.splice(0)) each.close();
});
afterAll(() => attacked.stop());

async function open(port: number, target: string, protocol?: string): Promise<RawWebSocket> {
  const client = await openRawWebSocket(port, target, protocol);
  opened.push(client);
  return client;
}

/** Resolves with the code of the refusal, or null. */
async function connect(): Promise<string | null> {
  const socket = io(`${attacked.server.httpUrl}/monitoring`, {
    ...{ auth: { token: attacked.api.token }, transports: ['websocket'], reconnection: false, forceNew: true },
  });
  opened.push(socket);
  return await new Promise((resolve) => {
    socket.once('connect', () => resolve(null));
    socket.once('connect_error', (error: Error & { data?: { code: string } }) => resolve(error.data?.code ?? '?'));
  });
}

test.each([
  ['pings at Socket.IO', () => ports.http, SOCKET_IO, undefined, clientFrame(OPCODE.ping, 'x'.repeat(100))],
  ['pings at MQTT over WebSocket', () => ports.mqtt, '/', 'mqtt', clientFrame(OPCODE.ping, 'x'.repeat(100))],
  // Each is answered: there is no such namespace.
  ['requests at Socket.IO', () => ports.http, SOCKET_IO, undefined, clientFrame(OPCODE.text, `40/${'n'.repeat(90)},`)],
] as const)('%s from clients that do not read cost no memory', async (_what, port, target, protocol, frame) => {
  const clients = await Promise.all(Array.from({ length: 4 }, () => open(port(), target, protocol)));
  const strain = await attacked.strainOf(() => Promise.all(clients.map((client) => client.send(frame, 150_000))));
  expect(strain.grownBytes).toBeLessThan(100 * 2 ** 20);
  expect(strain.slowestMs).toBeLessThan(25 * strain.quietMs);
});

test('a user who opens hundreds of connections gets fifty, and is told why not more', async () => {
  const answers = await Promise.all(Array.from({ length: 200 }, connect));
  expect(answers.filter((code) => code === null)).toHaveLength(50);
  expect(new Set(answers)).toEqual(new Set([null, 'too_many_connections']));
});
