import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { io, type Socket } from 'socket.io-client';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createEventBus, type EventBus } from '#kernel/events.ts';
import { silentLogger } from '#kernel/logger.ts';
import type { Realtime } from '#platform/realtime/realtime.port.ts';
import { createSocketIoRealtime } from '#platform/realtime/socketio/socketio.ts';
import { createNotificationNamespace } from './notifications.socket.ts';

const soon = () => AbortSignal.timeout(5_000);
const server = createServer();

let events: EventBus;
let realtime: Realtime;
let sockets: Socket[];

beforeEach(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  sockets = [];
  events = createEventBus(silentLogger);
  const principalOf = async (token: string) => ({ userId: Number(token), role: 'USER' as const });
  const socketIo = createSocketIoRealtime({
    authenticator: {
      authenticate: async (token) => ({ principal: await principalOf(token), expiresAt: Number.MAX_SAFE_INTEGER }),
      refresh: principalOf,
    },
    logger: silentLogger,
    corsOrigins: [],
  });
  socketIo.attachTo(server);
  realtime = socketIo;
  createNotificationNamespace(realtime, events);
  await realtime.start?.(soon());
});
afterEach(async () => {
  for (const socket of sockets) socket.disconnect();
  await realtime.stop?.(soon());
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** A user's connection, and what it was told. */
async function connect(userId: number) {
  const { port } = server.address() as AddressInfo;
  const socket = io(`http://127.0.0.1:${port}/notification`, {
    auth: { token: String(userId) },
    reconnection: false,
    forceNew: true,
  });
  sockets.push(socket);
  const told: unknown[] = [];
  socket.on('notification', (notification: unknown) => told.push(notification));
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  return { socket, told };
}

const content = { type: 'alert', title: 'Too hot', message: 'It is 41 °C.', data: { device_id: 7 } };
const deliver = (...userIds: readonly number[]) =>
  events.emit('notification.delivered', 0, {
    ...content,
    recipients: userIds.map((user_id) => ({ id: `for-${user_id}`, user_id })),
    created_at: Date.UTC(2026, 10, 24),
  });

test('each connection of a recipient is told, and nobody else', async () => {
  const [one, again, two, other] = [await connect(1), await connect(1), await connect(2), await connect(3)];
  deliver(1, 2, 99);
  deliver(3);
  const view = (id: string) => ({
    id,
    ...content,
    is_read: false,
    read_at: null,
    created_at: '2026-11-24T00:00:00.000Z',
  });
  await expect.poll(() => other.told).toEqual([view('for-3')]);
  expect(one.told).toEqual([view('for-1')]);
  expect(again.told).toEqual([view('for-1')]);
  expect(two.told).toEqual([view('for-2')]);
});

test('there is nothing to ask for', async () => {
  const { socket } = await connect(1);
  expect(await socket.emitWithAck('subscribe', { user_id: 2 })).toMatchObject({ ok: false, code: 'unknown_command' });
});
