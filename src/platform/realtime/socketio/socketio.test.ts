import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { io } from 'socket.io-client';
import { expect, test, vi } from 'vitest';
import { silentLogger } from '#kernel/logger.ts';
import { openRawWebSocket, type RawWebSocket } from '#test/support/raw-websocket.ts';
import { realtimeContract } from '../realtime.contract.ts';
import type { RealtimeAuthenticator } from '../realtime.port.ts';
import { createSocketIoRealtime } from './socketio.ts';

async function create(authenticator: RealtimeAuthenticator) {
  const server = createServer((_request, response) => response.end('the API'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    realtime: createSocketIoRealtime({
      httpServer: () => server,
      authenticator,
      logger: silentLogger,
      corsOrigins: [],
    }),
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
