import { type Static, Type } from 'typebox';
import { USER_ROLES, type UserRole } from '#kernel/access.ts';
import { toIso, toIsoOrNull } from '#kernel/clock.ts';
import { Instant, Nullable, PageOf, pageQuery, Strict, searchQuery, sortQuery } from '#platform/http/http.schemas.ts';
import type { Notification } from './notifications.ports.ts';

const content = {
  type: Type.String({ description: 'What it is about', examples: ['alert', 'broadcast'] }),
  title: Type.String({ description: 'One line', examples: ['Greenhouse 7: temperature above 40'] }),
  message: Type.String({ description: 'Plain text', examples: ['temperature is 41.2 since 12:00 UTC'] }),
  data: Type.Record(Type.String(), Type.Unknown(), {
    description: 'For programs: depends on the type',
    examples: [{ device_id: 7, alert_id: 12 }],
  }),
};

/** Also the event `notification` on Socket.IO `/notification`. */
export const NotificationView = Strict('Notification', {
  id: Type.String({ description: 'Id of the notification', examples: ['5f1c0e5f6d2f4b0f8f0d2c3b4a596877'] }),
  ...content,
  is_read: Type.Boolean({ description: 'Whether it was read', examples: [false] }),
  read_at: Nullable(Instant),
  created_at: Instant,
});

export const NotificationPage = PageOf(NotificationView);

export const NotificationListQuery = Strict({
  ...pageQuery,
  ...sortQuery(['created_at']),
  ...searchQuery,
  is_read: Type.Optional(Type.Boolean({ description: 'Only those that were read, or only those that were not' })),
});

export const NotificationParams = Strict({
  notification_id: Type.String({ minLength: 1, maxLength: 64, description: 'Id of the notification' }),
});

export const UnreadCount = Strict('UnreadCount', {
  count: Type.Integer({ minimum: 0, description: 'How many are unread', examples: [3] }),
});

export const ReadAllResult = Strict('ReadAllResult', {
  updated: Type.Integer({ minimum: 0, description: 'How many were unread', examples: [3] }),
});

export const BroadcastBody = Strict('Broadcast', {
  title: Type.String({ minLength: 1, maxLength: 200, description: 'One line', examples: ['Maintenance tonight'] }),
  message: Type.String({
    minLength: 1,
    maxLength: 4_000,
    description: 'Plain text',
    examples: ['From 22:00 to 23:00 UTC nothing is shown live. Measurements are stored as always.'],
  }),
  type: Type.Optional(
    Type.String({
      pattern: '^[a-z][a-z0-9_]{0,49}$',
      'x-accepts': '1 to 50 lower-case letters, digits and `_`, a letter first',
      default: 'broadcast',
      description: 'What it is about',
      examples: ['maintenance'],
    }),
  ),
  roles: Type.Optional(
    Type.Array(Type.Unsafe<UserRole>({ title: 'UserRole', type: 'string', enum: [...USER_ROLES] }), {
      minItems: 1,
      uniqueItems: true,
      description: 'Only users of these roles; left out: everybody',
      examples: [['MANAGER', 'USER']],
    }),
  ),
});
export type BroadcastBody = Static<typeof BroadcastBody>;

export const BroadcastAccepted = Strict('BroadcastAccepted', {
  key: Type.String({ description: 'Names this broadcast' }),
  job_id: Type.String({ description: 'The job that tells everybody' }),
});

export function presentNotification(notification: Notification): Static<typeof NotificationView> {
  const { id, type, title, message, data, is_read, read_at, created_at } = notification;
  return { id, type, title, message, data, is_read, read_at: toIsoOrNull(read_at), created_at: toIso(created_at) };
}
