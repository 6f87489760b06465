import { toIso } from '#kernel/clock.ts';
import type { EventBus } from '#kernel/events.ts';
import type { Realtime } from '#platform/realtime/realtime.port.ts';

/**
 * `/notification`: each connection is in the room of its user from the beginning and has nothing to ask for. What
 * is delivered while nobody listens is in the list.
 */
export function createNotificationNamespace(realtime: Realtime, events: EventBus): void {
  const namespace = realtime.namespace('/notification', {});
  events.on('notification.delivered', ({ data }) => {
    const { recipients, created_at, ...content } = data;
    for (const { id, user_id } of recipients) {
      namespace.emit(`user:${user_id}`, 'notification', {
        id,
        ...content,
        is_read: false,
        read_at: null,
        created_at: toIso(created_at),
      });
    }
  });
}
