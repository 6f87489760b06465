import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { io } from 'socket.io-client';
import { expect, test, vi } from 'vitest';
import { commonErrors } from '#kernel/errors.ts';
import { silentLogger } from '#kernel/logger.ts';
import { openRawWebSocket, type RawWebSocket } from '#test/support/raw-websocket.ts';
import { realtimeContract } from '../realtime.contract.ts';
import type { RealtimeAuthenticator, RealtimeCommand } from '../realtime.port.ts';
import { createSocketIoRealtime } from './socketio.ts';

async function create(authenticator: RealtimeAuthenticator, options: { readonly recheckEveryMs?: number } = {}) {
  const server = createServer((_request, response) => response.end('the API'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const realtime = createSocketIoRealtime({
    authenticator,
    logger: silentLogger,
    corsOrigins: [],
    ...options,
  });
  realtime.attachTo(server);
  return {
    realtime,
    url: () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async cleanUp() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const ANYBODY: RealtimeAuthenticator = {
  authenticate: async () => ({ principal: { userId: 1, role: 'USER' }, expiresAt: Number.MAX_SAFE_INTEGER }),
  refresh: async () => ({ userId: 1, role: 'USER' }),
};

realtimeContract({ name: 'Socket.IO', create });

test('the HTTP server goes on answering, also after a stop', async () => {
  const { realtime, url, cleanUp } = await create(ANYBODY);
  await realtime.start?.(AbortSignal.timeout(5_000));
  expect(await (await fetch(url())).text()).toBe('the API');
  await realtime.stop?.(AbortSignal.timeout(5_000));
  expect(await (await fetch(url())).text()).toBe('the API');
  await cleanUp();
});

test('a client that does not read is cut, a burst for one that does is delivered', async () => {
  const { realtime, url, cleanUp } = await create(ANYBODY);
  const namespace = realtime.namespace('/monitoring', {});
  await realtime.start?.(AbortSignal.timeout(5_000));
  const socket = io(`${url()}/monitoring`, { auth: { token: 'x' }, transports: ['websocket'], reconnection: false });
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  let received = 0;
  socket.on('news', () => received++);
  for (let i = 0; i < 10_000; i++) namespace.emit('user:1', 'news', { i });
  await vi.waitFor(() => expect(received).toBe(10_000), { timeout: 5_000 });

  const { ws } = socket.io.engine.transport as unknown as { ws: { pause(): void } };
  ws.pause();
  const payload = 'x'.repeat(1_000);
  await vi.waitFor(
    () => {
      for (let i = 0; i < 2_000; i++) namespace.emit('user:1', 'news', { payload });
      expect(realtime.connectionCount()).toBe(0);
    },
    { timeout: 10_000 },
  );
  await realtime.stop?.(AbortSignal.timeout(5_000));
  // Waits for every connection of the server.
  await cleanUp();
  socket.disconnect();
});

test('those who open connections and do not say who they are make room for those who do', async () => {
  const { realtime, url, cleanUp } = await create(ANYBODY);
  realtime.namespace('/monitoring', {});
  await realtime.start?.(AbortSignal.timeout(5_000));
  const target = '/socket.io/?EIO=4&transport=websocket';
  const port = Number(new URL(url()).port);
  const strangers: RawWebSocket[] = [];
  for (let each = 0; each < 1_100; each++) strangers.push(await openRawWebSocket(port, target));
  for (const { socket } of strangers) socket.resume();
  await vi.waitFor(() => expect(strangers.filter(({ socket }) => socket.destroyed).length).toBeGreaterThanOrEqual(100));
  const socket = io(`${url()}/monitoring`, { auth: { token: 'x' }, transports: ['websocket'], reconnection: false });
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  expect(realtime.connectionCount()).toBeLessThanOrEqual(1_001);
  for (const each of strangers) each.close();
  socket.disconnect();
  await realtime.stop?.(AbortSignal.timeout(5_000));
  await cleanUp();
});

test('whoever has lost access is put out, although nobody told of it; who cannot be looked up now stays', async () => {
  const users = new Map<string, 'user' | 'away'>([
    ['gone', 'user'],
    ['away', 'user'],
  ]);
  let [looks, asked] = [0, 0];
  const principal = { userId: 1, role: 'USER' } as const;
  const refresh = async (token: string) => {
    looks += 1;
    const state = users.get(token);
    if (state === undefined) throw commonErrors.authentication_required();
    if (state === 'away') throw commonErrors.unavailable();
    return principal;
  };
  const authenticator = { refresh, authenticate: async () => ({ principal, expiresAt: Number.MAX_SAFE_INTEGER }) };
  const { realtime, url, cleanUp } = await create(authenticator, { recheckEveryMs: 10 });
  const join: RealtimeCommand = async ({ join }) => {
    await join('room');
    return undefined;
  };
  const namespace = realtime.namespace('/monitoring', { join }, async () => {
    asked += 1;
    throw commonErrors.unavailable();
  });
  await realtime.start?.(AbortSignal.timeout(5_000));
  const sockets = await Promise.all(
    ['gone', 'away'].map(async (token) => {
      const socket = io(`${url()}/monitoring`, { auth: { token }, forceNew: true, reconnection: false });
      await new Promise<void>((resolve) => socket.once('connect', resolve));
      return socket;
    }),
  );
  const [gone, away] = sockets;
  expect(await away?.emitWithAck('join')).toEqual({ ok: true });
  const ended = new Promise((resolve) => gone?.once('disconnect', resolve));
  await vi.waitFor(() => expect(asked).toBeGreaterThan(2));
  users.set('away', 'away');
  users.delete('gone');
  expect(await ended).toBe('io server disconnect');
  const before = looks;
  await vi.waitFor(() => expect(looks).toBeGreaterThan(before + 2));
  expect(away?.connected).toBe(true);
  expect(namespace.hasListeners('room')).toBe(true);
  for (const socket of sockets) socket.disconnect();
  await realtime.stop?.(AbortSignal.timeout(5_000));
  await cleanUp();
});
