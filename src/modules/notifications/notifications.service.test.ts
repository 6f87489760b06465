import { expect, test } from 'vitest';
import { systemClock } from '#kernel/clock.ts';
import { createEventBus } from '#kernel/events.ts';
import { silentLogger } from '#kernel/logger.ts';
import { createTestClock } from '#test/support/clock.ts';
import { createMongodbTestDocuments, createSqliteTestDocuments, type TestDocuments } from '#test/support/documents.ts';
import { describeWithServer } from '#test/support/servers.ts';
import { type NotificationsHarness, notificationsContract } from './notifications.contract.ts';
import type { NotificationDelivered } from './notifications.events.ts';
import { createNotificationsCore } from './notifications.module.ts';
import { NOTIFICATION_RETENTION_MS } from './notifications.ports.ts';

async function openIn(documents: TestDocuments): Promise<NotificationsHarness> {
  const events = createEventBus(silentLogger);
  const delivered: NotificationDelivered[] = [];
  events.on('notification.delivered', ({ data }) => void delivered.push(data));
  const api = createNotificationsCore({ documents: documents.store, events, clock: systemClock });
  await documents.start();
  return {
    api,
    delivered,
    deleteUser: (user_id) => events.emit('user.access_changed', 0, { user_id, reason: 'deleted' }),
    close: documents.stop,
  };
}

notificationsContract('in this process, SQLite', () => openIn(createSqliteTestDocuments(systemClock)));

await describeWithServer('mongodb', (server) => {
  notificationsContract('in this process, MongoDB', () => openIn(createMongodbTestDocuments(server.url, systemClock)));
});

test('only deletion takes notifications away, other changes of access do not', async () => {
  const documents = createSqliteTestDocuments(systemClock);
  const events = createEventBus(silentLogger);
  const api = createNotificationsCore({ documents: documents.store, events, clock: systemClock });
  await documents.start();
  const content = { type: 'x', title: 't', message: 'm', data: {} };
  await api.deliver({ key: 'k', userIds: [1, 2], ...content });
  events.emit('user.access_changed', 0, { user_id: 1, reason: 'deactivated' });
  events.emit('user.access_changed', 0, { user_id: 2, reason: 'deleted' });
  await expect.poll(() => api.countUnread(2)).toBe(0);
  expect(await api.countUnread(1)).toBe(1);
  await documents.stop();
});

test('are kept for as long as is set', async () => {
  const clock = createTestClock();
  const documents = createSqliteTestDocuments(clock);
  const api = createNotificationsCore({ documents: documents.store, events: createEventBus(silentLogger), clock });
  await documents.start();
  const content = { type: 'x', title: 't', message: 'm', data: {} };
  await api.deliver({ key: 'old', userIds: [1], ...content });
  clock.advance(1);
  await api.deliver({ key: 'new', userIds: [1], ...content });
  clock.advance(NOTIFICATION_RETENTION_MS);
  await documents.store.start?.(AbortSignal.timeout(5_000));
  expect((await api.list(1, { page: 1, size: 10 })).total).toBe(1);
  await documents.stop();
});
