import { toIso } from '#kernel/clock.ts';
import type { EventBus } from '#kernel/events.ts';
import { type LiveEvent, sendLive } from '#platform/realtime/live-event.port.ts';
import type { Realtime } from '#platform/realtime/realtime.port.ts';
import { NotificationView } from './notifications.schemas.ts';

export const LIVE_NOTIFICATION: LiveEvent<typeof NotificationView> = {
  namespace: '/notification',
  name: 'notification',
  payload: NotificationView,
  description:
    'Something that the connected user is told. There is nothing to subscribe to; what came while nobody was connected is in `GET /api/v1/notifications`.',
};

/**
 * `/notification`: each connection is in the room of its user from the beginning and has nothing to ask for. What
 * is delivered while nobody listens is in the list.
 */
export function createNotificationNamespace(realtime: Realtime, events: EventBus): void {
  const namespace = realtime.namespace(LIVE_NOTIFICATION.namespace, {});
  events.on('notification.delivered', ({ data }) => {
    const { recipients, created_at, ...content } = data;
    for (const { id, user_id } of recipients) {
      sendLive(namespace, LIVE_NOTIFICATION, `user:${user_id}`, {
        id,
        ...content,
        is_read: false,
        read_at: null,
        created_at: toIso(created_at),
      });
    }
  });
}
