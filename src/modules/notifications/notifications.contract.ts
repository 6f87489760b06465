import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { NotificationsApi } from './notifications.api.ts';
import type { NotificationDelivered } from './notifications.events.ts';
import type { Notification } from './notifications.ports.ts';

/** The core, wherever it runs, as the rest of the system sees it. */
export interface NotificationsHarness {
  readonly api: NotificationsApi;
  /** Every `notification.delivered` that has reached the caller's side, in order. */
  readonly delivered: readonly NotificationDelivered[];
  /** Tells the core, by its event, that a user was deleted. */
  deleteUser(userId: number): void;
  close(): Promise<void>;
}

/** Events take their way: in the end, not within a time. */
const poll = <T>(read: () => T) => expect.poll(read, { timeout: 10_000 });

/** The specification of `NotificationsApi` and its events; the core passes it in this process and in another. */
export function notificationsContract(name: string, open: () => Promise<NotificationsHarness>): void {
  describe(`notifications: ${name}`, () => {
    let harness: NotificationsHarness;
    let api: NotificationsApi;
    /** Users that no other test knows. */
    let one = 0;
    let two = 0;
    let keys = 0;

    beforeAll(async () => {
      harness = await open();
      api = harness.api;
    });
    afterAll(() => harness.close());
    beforeEach(() => {
      one = two + 1;
      two = one + 1;
    });

    const content = {
      type: 'alert',
      title: '온실 7',
      message: 'It is 41 °C.',
      data: { device_id: 7, values: [1, null] },
    };
    function deliver(userIds: readonly number[], key?: string, more: Partial<typeof content> = {}) {
      keys += 1;
      return api.deliver({ key: key ?? `key-${one}-${keys}`, userIds, ...content, ...more });
    }
    const all = async (userId: number) => (await api.list(userId, { page: 1, size: 100 })).items;
    const first = async (userId: number) => (await all(userId))[0] as Notification;
    /** To whom events came, of the users of this test. */
    const told = () =>
      harness.delivered.flatMap(({ recipients }) =>
        recipients.map(({ user_id }) => user_id).filter((userId) => userId === one || userId === two),
      );

    test('each user has one of its own, unread, and the event says so', async () => {
      const before = Date.now();
      expect(await deliver([one, two])).toEqual({ stored: 2 });
      const [mine, other] = [await first(one), await first(two)];
      expect(mine).toEqual({
        id: expect.stringMatching(/^[0-9a-f]{32}$/),
        user_id: one,
        ...content,
        is_read: false,
        read_at: null,
        created_at: expect.any(Number),
      });
      expect(Math.abs(mine.created_at - before)).toBeLessThan(86_400_000);
      expect(other).toMatchObject({ ...content, user_id: two });
      expect(other.id).not.toBe(mine.id);
      expect(await api.countUnread(one)).toBe(1);
      await poll(told).toEqual([one, two]);
      const event = harness.delivered.find(({ recipients }) => recipients.some(({ id }) => id === mine.id));
      expect(event).toEqual({
        ...content,
        recipients: [
          { id: mine.id, user_id: one },
          { id: other.id, user_id: two },
        ],
        created_at: mine.created_at,
      });
    });

    test('the same key again reaches only who was not told, also when several do it at once', async () => {
      const key = `again-${one}`;
      const results = await Promise.all([deliver([one, one], key), deliver([one], key), deliver([one], key)]);
      expect(results.reduce((sum, { stored }) => sum + stored, 0)).toBe(1);
      expect(await deliver([one, two], key, { title: 'Another' })).toEqual({ stored: 1 });
      expect((await all(one)).map(({ title }) => title)).toEqual([content.title]);
      expect((await all(two)).map(({ title }) => title)).toEqual(['Another']);
      await poll(told).toEqual([one, two]);
      expect(await deliver([one, two], key)).toEqual({ stored: 0 });
      expect(await deliver([], key)).toEqual({ stored: 0 });
      expect(await deliver([one])).toEqual({ stored: 1 });
      await poll(told).toEqual([one, two, one]);
    });

    test('a thousand at once', async () => {
      const users = Array.from({ length: 1_000 }, (_, index) => 1_000_000 + index);
      expect(await deliver(users)).toEqual({ stored: 1_000 });
      const reached = () =>
        harness.delivered.flatMap(({ recipients }) => recipients).filter(({ user_id }) => user_id >= 1_000_000).length;
      await poll(reached).toBe(1_000);
    });

    test('lists are in pages, by time, and know what was read', async () => {
      for (let index = 0; index < 7; index += 1) await deliver([one], undefined, { title: String(index) });
      await deliver([two]);
      const newest = await api.list(one, { page: 1, size: 3 });
      expect(newest).toMatchObject({ total: 7, page: 1, size: 3, pages: 3 });
      const pages = await Promise.all([1, 2, 3, 4].map((page) => api.list(one, { page, size: 3 })));
      expect(pages.map(({ items }) => items.length)).toEqual([3, 3, 1, 0]);
      const listed = pages.flatMap(({ items }) => items);
      expect(listed).toEqual(listed.toSorted((a, b) => b.created_at - a.created_at || (a.id < b.id ? 1 : -1)));
      expect(new Set(listed.map(({ title }) => title)).size).toBe(7);
      const oldest = await api.list(one, { page: 1, size: 100, sort: 'created_at' });
      expect(oldest.items).toEqual(listed.toReversed());

      await deliver([one], undefined, { title: 'Pump 100%', message: 'LEAKS' });
      for (const q of ['pUMP', '100%', 'leaks']) {
        expect(await api.list(one, { page: 1, size: 3, q })).toMatchObject({
          total: 1,
          items: [{ title: 'Pump 100%' }],
        });
      }
      expect(await api.list(one, { page: 2, size: 3, q: 'alert' })).toMatchObject({ total: 8, pages: 3 });
      expect(await api.list(two, { page: 1, size: 3, q: 'leaks' })).toMatchObject({ total: 0, items: [] });
      await api.remove(one, (await api.list(one, { page: 1, size: 1, q: 'leaks' })).items[0]?.id ?? '');

      await api.markRead(one, (await first(one)).id);
      expect(await api.list(one, { page: 1, size: 3, isRead: true })).toMatchObject({ total: 1, pages: 1 });
      expect(await api.list(one, { page: 1, size: 3, isRead: false })).toMatchObject({ total: 6, pages: 2 });
      await expect(api.list(one, { page: 1, size: 3, sort: 'title' })).rejects.toMatchObject({
        name: 'AppError',
        kind: 'invalid',
        code: 'invalid_sort',
        details: { fields: [{ path: '/query/sort', message: expect.any(String) }] },
      });
    });

    test('what is read stays read, from the first time on', async () => {
      await deliver([one]);
      const { id } = await first(one);
      const read = await api.markRead(one, id);
      expect(read).toMatchObject({ id, is_read: true, read_at: expect.any(Number) });
      expect(await api.markRead(one, id)).toEqual(read);
      expect(await api.countUnread(one)).toBe(0);
    });

    test('what is marked as unread is as it was before it was read', async () => {
      await deliver([one]);
      const before = await first(one);
      await api.markRead(one, before.id);
      expect(await api.markUnread(one, before.id)).toEqual(before);
      expect(await api.markUnread(one, before.id)).toEqual(before);
      expect(await api.countUnread(one)).toBe(1);
    });

    test('all are read at once, of one user', async () => {
      await deliver([one, two]);
      await deliver([one]);
      expect(await api.markAllRead(one)).toBe(2);
      expect(await api.markAllRead(one)).toBe(0);
      expect([await api.countUnread(one), await api.countUnread(two)]).toEqual([0, 1]);
    });

    test("another's is like none", async () => {
      await deliver([one]);
      const { id } = await first(one);
      const notFound = { name: 'AppError', kind: 'not_found', code: 'notification_not_found' };
      for (const [userId, which] of [
        [two, id],
        [one, 'nothing'],
        [0, id],
      ] as const) {
        await expect(api.markRead(userId, which)).rejects.toMatchObject(notFound);
        await expect(api.markUnread(userId, which)).rejects.toMatchObject(notFound);
        await expect(api.remove(userId, which)).rejects.toMatchObject(notFound);
      }
      expect(await first(one)).toMatchObject({ id, is_read: false });
    });

    test('what was removed is gone for good', async () => {
      const key = `removed-${one}`;
      await deliver([one], key);
      const { id } = await first(one);
      await deliver([one]);
      await api.remove(one, id);
      await expect(api.remove(one, id)).rejects.toMatchObject({ kind: 'not_found' });
      await expect(api.markRead(one, id)).rejects.toMatchObject({ kind: 'not_found' });
      expect(await deliver([one], key)).toEqual({ stored: 0 });
      expect((await all(one)).length).toBe(1);
      expect((await first(one)).id).not.toBe(id);
      expect(await api.countUnread(one)).toBe(1);
    });

    test('a user who is deleted leaves none behind', async () => {
      await deliver([one, two]);
      harness.deleteUser(one);
      await poll(() => api.countUnread(one)).toBe(0);
      expect(await all(one)).toEqual([]);
      expect(await api.countUnread(two)).toBe(1);
    });
  });
}
