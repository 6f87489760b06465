import { io, type Socket } from 'socket.io-client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '#kernel/clock.ts';
import { createEventBus } from '#kernel/events.ts';
import { silentLogger } from '#kernel/logger.ts';
import { loadConfig } from '#main/config.ts';
import { createNotificationsApi } from '#main/profiles/notifications.ts';
import { createSharedState } from '#main/profiles/shared-state.ts';
import { notificationsContract } from '#modules/notifications/notifications.contract.ts';
import type { NotificationDelivered } from '#modules/notifications/notifications.events.ts';
import { temporaryFolder } from '#test/support/folders.ts';
import { createPeople, type People } from '#test/support/people.ts';
import { freePort, type ServerProcess, startServer } from '#test/support/server-process.ts';
import { describeWithServer, type TestServer } from '#test/support/servers.ts';
import { type RunningSystem, startTestSystem } from '#test/support/system.ts';

/*
 * The notifications in a process of their own: their API over HTTP, their events over streams. Everything else is
 * as it is with them inside.
 */

const SECRET = 'a secret between processes';
const soon = () => AbortSignal.timeout(10_000);

/** The process, which can be ended and started again on the same port and data. */
async function startNotifications(redis: TestServer) {
  const folder = temporaryFolder();
  const port = await freePort();
  const start = () =>
    startServer({
      SERVE_MODULE: 'notifications',
      REDIS_URL: redis.url,
      INTERNAL_SECRET: SECRET,
      HTTP_PORT: String(port),
      DATA_DIR: folder.path,
    });
  let process: ServerProcess = await start();
  return {
    url: process.httpUrl,
    kill: () => process.end('SIGKILL'),
    async restart() {
      process = await start();
    },
    async stop() {
      const code = await process.end('SIGTERM');
      folder.remove();
      return code;
    },
  };
}

await describeWithServer(
  'redis',
  (redis) => {
    notificationsContract('in a process of their own', async () => {
      const notifications = await startNotifications(redis);
      const settings = loadConfig({
        NOTIFICATIONS_URL: notifications.url,
        INTERNAL_SECRET: SECRET,
        REDIS_URL: redis.url,
      });
      const events = createEventBus(silentLogger);
      const delivered: NotificationDelivered[] = [];
      events.on('notification.delivered', ({ data }) => void delivered.push(data));
      const { streams, components } = await createSharedState(settings, systemClock, silentLogger);
      const documents = {} as never;
      const api = await createNotificationsApi({
        settings,
        documents,
        events,
        streams,
        clock: systemClock,
        logger: silentLogger,
      });
      const parts = [...components, ...(streams === null ? [] : [streams.consumers])];
      for (const part of parts) await part.start?.(soon());
      return {
        api,
        delivered,
        deleteUser: (user_id) => events.emit('user.access_changed', 0, { user_id, reason: 'deleted' }),
        async close() {
          for (const part of parts.toReversed()) await part.stop?.(soon());
          expect(await notifications.stop()).toBe(0);
        },
      };
    });

    describe('a whole system', () => {
      let notifications: Awaited<ReturnType<typeof startNotifications>>;
      let system: RunningSystem;
      let people: People;
      let socket: Socket;
      const told: { title: string }[] = [];
      beforeAll(async () => {
        notifications = await startNotifications(redis);
        system = await startTestSystem({
          NOTIFICATIONS_URL: notifications.url,
          INTERNAL_SECRET: SECRET,
          REDIS_URL: redis.url,
        });
        people = await createPeople(system);
        socket = io(`http://127.0.0.1:${system.system.http.port()}/notification`, {
          auth: { token: people.USER.token() },
          reconnection: false,
        });
        socket.on('notification', (notification) => told.push(notification));
        await new Promise<void>((resolve) => socket.once('connect', resolve));
      }, 60_000);
      afterAll(async () => {
        socket.disconnect();
        await system.stop();
        await notifications.stop();
      }, 60_000);

      const broadcast = (title: string) =>
        system.request({
          method: 'POST',
          url: '/api/v1/notifications/broadcast',
          as: people.ADMIN.token(),
          body: { title, message: 'To all.' },
        });
      const list = () => system.request({ url: '/api/v1/notifications', as: people.USER.token() });
      const titles = async () => (await list()).json().items.map(({ title }: { title: string }) => title);

      test('a broadcast is stored there, seen here, and live', async () => {
        expect((await broadcast('One')).status).toBe(202);
        await expect.poll(titles, { timeout: 10_000 }).toEqual(['One']);
        await expect.poll(() => told.map(({ title }) => title), { timeout: 10_000 }).toEqual(['One']);
        const [{ id }] = (await list()).json().items;
        const read = await system.request({
          method: 'POST',
          url: `/api/v1/notifications/${id}/read`,
          as: people.USER.token(),
        });
        expect(read.json()).toMatchObject({ id, is_read: true });
        const others = await system.request({
          method: 'DELETE',
          url: `/api/v1/notifications/${id}`,
          as: people.ADMIN.token(),
        });
        expect(others.json()).toMatchObject({ status: 404, code: 'notification_not_found' });
      });

      test('while it is away its routes answer 503, everything else works, and no broadcast is lost', async () => {
        await notifications.kill();
        const away = await list();
        expect(away.status).toBe(503);
        expect(away.json().code).toBe('unavailable');
        expect(away.headers['retry-after']).toBe('1');
        expect((await system.request({ url: '/api/v1/users/me', as: people.USER.token() })).status).toBe(200);
        expect((await broadcast('Two')).status).toBe(202);
        await notifications.restart();
        await expect.poll(titles, { timeout: 60_000 }).toEqual(['Two', 'One']);
        await expect.poll(() => told.map(({ title }) => title), { timeout: 10_000 }).toEqual(['One', 'Two']);
      }, 90_000);
    });
  },
  { own: true },
);
