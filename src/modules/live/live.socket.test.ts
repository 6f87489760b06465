import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { io, type Socket } from 'socket.io-client';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Principal, UserRole } from '#kernel/access.ts';
import { createEventBus, type EventBus } from '#kernel/events.ts';
import { silentLogger } from '#kernel/logger.ts';
import type { Realtime, RealtimeNamespace } from '#platform/realtime/realtime.port.ts';
import { createSocketIoRealtime } from '#platform/realtime/socketio/socketio.ts';
import { ALL_DEVICES_ROOM, deviceRoom, roomOf } from './live.schemas.ts';
import { createMonitoringNamespace } from './live.socket.ts';

const soon = () => AbortSignal.timeout(5_000);
const server = createServer();

let events: EventBus;
let realtime: Realtime;
let monitoring: RealtimeNamespace;
let socket: Socket;
let role: UserRole;
/** Whom each device belongs to. */
let owners: Map<string, number>;

const sees = ({ userId, role }: Principal, uid: string) =>
  owners.has(uid) && (role !== 'USER' || owners.get(uid) === userId);

beforeEach(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  role = 'USER';
  owners = new Map([
    ['one', 1],
    ['two', 1],
  ]);
  events = createEventBus(silentLogger);
  const principal = async () => ({ userId: 1, role });
  const socketIo = createSocketIoRealtime({
    authenticator: {
      authenticate: async () => ({ principal: await principal(), expiresAt: Number.MAX_SAFE_INTEGER }),
      refresh: principal,
    },
    logger: silentLogger,
    corsOrigins: [],
  });
  socketIo.attachTo(server);
  realtime = socketIo;
  monitoring = createMonitoringNamespace(
    realtime,
    {
      findVisibleByUid: async (who, deviceUid) => (sees(who, deviceUid) ? { id: 1, deviceUid } : null) as never,
      mayObserve: async (who, deviceUid) => sees(who, deviceUid),
    },
    events,
  );
  await realtime.start?.(soon());
  const { port } = server.address() as AddressInfo;
  socket = io(`http://127.0.0.1:${port}/monitoring`, { auth: { token: 'x' }, reconnection: false });
  await new Promise<void>((resolve) => socket.once('connect', resolve));
});
afterEach(async () => {
  socket.disconnect();
  await realtime.stop?.(soon());
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const open = () =>
  [deviceRoom('one'), deviceRoom('two'), ALL_DEVICES_ROOM].map((room) => monitoring.hasListeners(room));

test('what may not be watched any more is not, although no event told of it', async () => {
  for (const device_uid of ['one', 'two'])
    expect(await socket.emitWithAck('subscribe', { device_uid })).toEqual({ ok: true });
  expect(open()).toEqual([true, true, false]);
  owners.set('two', 2);
  await realtime.recheck();
  expect(open()).toEqual([true, false, false]);
});

test('all devices are for those who manage, also after a change that was missed', async () => {
  role = 'MANAGER';
  expect(await socket.emitWithAck('subscribe', { all: true })).toEqual({ ok: true });
  await realtime.recheck();
  expect(open()).toEqual([false, false, true]);
  role = 'USER';
  await realtime.recheck();
  expect(open()).toEqual([false, false, false]);
});

test('what happens to all devices is for those who manage too, and is left as it was asked for', async () => {
  const without = { all: true, telemetry: false } as const;
  const isOpen = () => monitoring.hasListeners(roomOf(without));
  expect(await socket.emitWithAck('subscribe', without)).toMatchObject({ ok: false, code: 'forbidden' });
  role = 'MANAGER';
  expect(await socket.emitWithAck('subscribe', { all: true, telemetry: true })).toEqual({ ok: true });
  expect([open(), isOpen()]).toEqual([[false, false, true], false]);
  expect(await socket.emitWithAck('subscribe', without)).toEqual({ ok: true });
  expect(await socket.emitWithAck('unsubscribe', { all: true })).toEqual({ ok: true });
  expect([open(), isOpen()]).toEqual([[false, false, false], true]);
  role = 'USER';
  await realtime.recheck();
  expect(isOpen()).toBe(false);
});
