import { expect } from 'vitest';
import type { People } from '#test/support/people.ts';
import type { Call } from './scenario.alerts.ts';

/** The part of the walk that is about dashboards. */
export async function walkThroughDashboards(call: Call, people: People): Promise<void> {
  const as = people.MANAGER.token();
  const body = {
    name: 'Hall 7',
    layout: [{ i: 'w1', x: 0, y: 0, w: 6, h: 4 }],
    widgets: [{ id: 'w1', type: 'value', title: null, options: { device_id: 7, metric: 'temperature' } }],
  };
  const made = await call(201, 'POST /api/v1/dashboards', { as, body });
  expect(made).toMatchObject({ ...body, shared: 'private', owner_id: people.MANAGER.id });
  const address = `/api/v1/dashboards/${made.id}`;
  await call(404, `GET ${address}`, { as: people.USER.token() });

  const shared = await call(200, `PATCH ${address}`, { as, body: { shared: 'all' } });
  expect(await call(200, `GET ${address}`, { as: people.USER.token() })).toEqual(shared);
  const { items } = await call(200, 'GET /api/v1/dashboards', { as: people.USER.token(), query: { q: 'hall' } });
  expect(items).toMatchObject([{ id: made.id, widget_count: 1 }]);
  await call(403, `DELETE ${address}`, { as: people.USER.token() });
  await call(204, `DELETE ${address}`, { as: people.ADMIN.token() });
}
