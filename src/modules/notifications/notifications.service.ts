import type { Clock } from '#kernel/clock.ts';
import { defined } from '#kernel/defined.ts';
import type { EventBus } from '#kernel/events.ts';
import { parseSort, type SortTerm, toPage } from '#kernel/pagination.ts';
import { type DocumentCollection, SEARCHED_DOCUMENTS } from '#platform/documents/documents.port.ts';
import type { NotificationsApi } from './notifications.api.ts';
import { notificationErrors } from './notifications.errors.ts';
import { type Notification, stableId } from './notifications.ports.ts';

export interface NotificationsServiceDeps {
  readonly collection: DocumentCollection<Notification>;
  readonly clock: Clock;
  readonly events: EventBus;
}

const NEWEST_FIRST: readonly SortTerm<'created_at'>[] = [{ field: 'created_at', direction: 'desc' }];
const SEARCHED = { fields: ['type', 'title', 'message'], newestBy: 'created_at', most: SEARCHED_DOCUMENTS };
/** Whose notification a removed one is: nobody's. */
const NOBODY = 0;

/** Stored notifications. */
export function createNotificationsService({ collection, clock, events }: NotificationsServiceDeps): NotificationsApi {
  // Relayed to every process; whoever comes second finds nothing to remove.
  events.on('user.access_changed', async ({ data }) => {
    if (data.reason === 'deleted') await collection.removeMany({ filter: { user_id: data.user_id } });
  });

  async function own(userId: number, id: string): Promise<Notification> {
    const found = await collection.findById(id);
    if (found === null || found.user_id !== userId) throw notificationErrors.notification_not_found();
    return found;
  }

  return {
    async deliver({ key, userIds, type, title, message, data }) {
      const content = { type, title, message, data };
      const created_at = clock.now();
      const documents = [...new Set(userIds)].map((user_id) => ({
        id: stableId(user_id, key),
        user_id,
        ...content,
        is_read: false,
        read_at: null,
        created_at,
      }));
      const isNew = await collection.insertMany(documents);
      const recipients = documents.filter((_, index) => isNew[index]).map(({ id, user_id }) => ({ id, user_id }));
      if (recipients.length > 0)
        events.emit('notification.delivered', created_at, { ...content, recipients, created_at });
      return { stored: recipients.length };
    },

    async list(userId, query) {
      const sort = parseSort(query.sort, ['created_at'], NEWEST_FIRST);
      const matching = {
        filter: { user_id: userId, ...defined({ is_read: query.isRead }) },
        ...(query.q === undefined ? {} : { contains: { ...SEARCHED, text: query.q } }),
      };
      const [items, total] = await Promise.all([
        collection.list({
          ...matching,
          sort: sort[0] ?? { field: 'created_at', direction: 'desc' },
          skip: (query.page - 1) * query.size,
          limit: query.size,
        }),
        collection.count(matching),
      ]);
      return toPage(items, total, query);
    },

    countUnread: (userId) => collection.count({ filter: { user_id: userId, is_read: false } }),

    async markRead(userId, id) {
      const read = { is_read: true, read_at: clock.now() };
      await collection.updateMany({ filter: { id, user_id: userId, is_read: false } }, read);
      return await own(userId, id);
    },

    async markUnread(userId, id) {
      const unread = { is_read: false, read_at: null };
      await collection.updateMany({ filter: { id, user_id: userId, is_read: true } }, unread);
      return await own(userId, id);
    },

    markAllRead: (userId) =>
      collection.updateMany({ filter: { user_id: userId, is_read: false } }, { is_read: true, read_at: clock.now() }),

    async remove(userId, id) {
      // Its id stays, without content, until it expires: a job that runs once more finds that it was here.
      const emptied = { user_id: NOBODY, title: '', message: '', data: {} };
      const matched = await collection.updateMany({ filter: { id, user_id: userId } }, emptied);
      if (matched === 0) throw notificationErrors.notification_not_found();
    },
  };
}
