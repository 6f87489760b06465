import { Type } from 'typebox';
import { ADMINS } from '#kernel/access.ts';
import { defined } from '#kernel/defined.ts';
import { type HttpRoutes, principalOf } from '#platform/http/http.port.ts';
import type { Broadcasts } from './broadcasts.service.ts';
import type { NotificationsApi } from './notifications.api.ts';
import { notificationErrors } from './notifications.errors.ts';
import {
  BroadcastAccepted,
  BroadcastBody,
  NotificationListQuery,
  NotificationPage,
  NotificationParams,
  NotificationView,
  presentNotification,
  ReadAllResult,
  UnreadCount,
} from './notifications.schemas.ts';

const tags = ['notifications'];

/** `/api/v1/notifications`: everybody's own, and the broadcast of admins. */
export function createNotificationsRoutes(notifications: NotificationsApi, broadcasts: Broadcasts): HttpRoutes {
  return (app) => {
    app.get(
      '/',
      {
        config: { access: 'bearer' },
        schema: {
          tags,
          operationId: 'listNotifications',
          summary: 'List my notifications',
          description:
            'Newest first unless `sort=created_at`. `q` looks into type, title and message of the newest 10,000 that match. Kept for `RECORD_RETENTION_DAYS`.',
          querystring: NotificationListQuery,
          response: { 200: NotificationPage },
        },
      },
      async (request) => {
        const { is_read, ...query } = request.query;
        const page = await notifications.list(principalOf(request).userId, {
          ...query,
          ...defined({ isRead: is_read }),
        });
        return { ...page, items: page.items.map(presentNotification) };
      },
    );

    app.get(
      '/unread-count',
      {
        config: { access: 'bearer' },
        schema: {
          tags,
          operationId: 'countUnreadNotifications',
          summary: 'Count my unread notifications',
          description: 'For the number beside a bell.',
          response: { 200: UnreadCount },
        },
      },
      async (request) => ({ count: await notifications.countUnread(principalOf(request).userId) }),
    );

    app.post(
      '/:notification_id/read',
      {
        config: { access: 'bearer', problems: [notificationErrors.notification_not_found] },
        schema: {
          tags,
          operationId: 'markNotificationRead',
          summary: 'Mark one of my notifications as read',
          description: 'Again changes nothing. 404 `notification_not_found` also for one that is not yours.',
          params: NotificationParams,
          response: { 200: NotificationView },
        },
      },
      async (request) =>
        presentNotification(await notifications.markRead(principalOf(request).userId, request.params.notification_id)),
    );

    app.post(
      '/:notification_id/unread',
      {
        config: { access: 'bearer', problems: [notificationErrors.notification_not_found] },
        schema: {
          tags,
          operationId: 'markNotificationUnread',
          summary: 'Mark one of my notifications as unread',
          description:
            'Takes back `read`. Again changes nothing. 404 `notification_not_found` also for one that is not yours.',
          params: NotificationParams,
          response: { 200: NotificationView },
        },
      },
      async (request) =>
        presentNotification(
          await notifications.markUnread(principalOf(request).userId, request.params.notification_id),
        ),
    );

    app.post(
      '/read-all',
      {
        config: { access: 'bearer' },
        schema: {
          tags,
          operationId: 'markAllNotificationsRead',
          summary: 'Mark all my notifications as read',
          description: 'Those that arrive meanwhile may stay unread.',
          response: { 200: ReadAllResult },
        },
      },
      async (request) => ({ updated: await notifications.markAllRead(principalOf(request).userId) }),
    );

    app.delete(
      '/:notification_id',
      {
        config: { access: 'bearer', problems: [notificationErrors.notification_not_found] },
        schema: {
          tags,
          operationId: 'deleteNotification',
          summary: 'Delete one of my notifications',
          description: 'For good. 404 `notification_not_found` also for one that is not yours.',
          params: NotificationParams,
          response: { 204: Type.Null({ description: 'Deleted' }) },
        },
      },
      async (request, reply) => {
        await notifications.remove(principalOf(request).userId, request.params.notification_id);
        return reply.code(204).send(null);
      },
    );

    app.post(
      '/broadcast',
      {
        config: { access: ADMINS },
        schema: {
          tags,
          operationId: 'broadcastNotification',
          summary: 'Notify everybody, or everybody of some roles',
          description:
            'Taken when it answers; the job `bulk_notification` then tells all active users, in steps of 500. A user ' +
            'who is created meanwhile may be told too.',
          body: BroadcastBody,
          response: { 202: BroadcastAccepted },
        },
      },
      async (request, reply) => {
        const { type = 'broadcast', ...body } = request.body;
        return reply.code(202).send(await broadcasts.request(principalOf(request), { type, ...body }));
      },
    );
  };
}
