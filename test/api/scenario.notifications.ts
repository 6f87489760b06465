import { expect } from 'vitest';
import type { People } from '#test/support/people.ts';
import type { Call } from './scenario.alerts.ts';

/** The part of the walk that is about notifications. */
export async function walkThroughNotifications(call: Call, people: People): Promise<void> {
  const as = people.USER.token();
  const body = { title: 'Maintenance tonight', message: 'From 22:00 UTC.', roles: ['USER'] };
  await call(202, 'POST /api/v1/notifications/broadcast', { as: people.ADMIN.token(), body });
  const list = () => call(200, 'GET /api/v1/notifications', { as, query: { is_read: false } });
  await expect.poll(async () => (await list()).total).toBe(1);
  const [{ id, ...told }] = (await list()).items;
  expect(told).toMatchObject({ type: 'broadcast', title: body.title, message: body.message, is_read: false });
  expect(await call(200, 'GET /api/v1/notifications/unread-count', { as })).toEqual({ count: 1 });
  expect(await call(200, `POST /api/v1/notifications/${id}/read`, { as })).toMatchObject({ id, is_read: true });
  expect(await call(200, `POST /api/v1/notifications/${id}/unread`, { as })).toMatchObject({ id, is_read: false });
  expect(await call(200, 'POST /api/v1/notifications/read-all', { as })).toEqual({ updated: 1 });
  await call(404, `DELETE /api/v1/notifications/${id}`, { as: people.ADMIN.token() });
  await call(204, `DELETE /api/v1/notifications/${id}`, { as });
}
