import { expect } from 'vitest';
import type { TestRequest } from '#test/support/http.ts';
import type { People } from '#test/support/people.ts';

/** Sends `route`, such as `POST /api/v1/auth/login`. @returns the body, parsed where it is JSON */
// biome-ignore lint/suspicious/noExplicitAny: bodies of every shape
export type Call = (status: number, route: string, options?: Omit<TestRequest, 'method' | 'url'>) => Promise<any>;

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** The part of the walk that is about alert rules. */
export async function walkThroughAlerts(call: Call, people: People): Promise<void> {
  const as = people.ADMIN.token();
  const address = '/api/v1/monitoring';
  const device = await people.device();
  const health = await call(200, `GET ${address}/health`, { as });
  expect(health).toMatchObject({ status: 'ok', checked_at: expect.stringMatching(INSTANT) });
  expect(health.components.map(({ component }: { component: string }) => component).sort()).toEqual(
    expect.arrayContaining(['documents', 'ingest', 'mqtt', 'sql', 'telemetry']),
  );

  const body = {
    name: 'Too cold',
    metric: 'temperature',
    condition: 'lt',
    threshold: 5,
    severity: 'CRITICAL',
    scope: { device_id: device.id },
  };
  const rule = await call(201, `POST ${address}/alert-rules`, { as, body });
  expect(rule).toMatchObject({ ...body, created_at: expect.stringMatching(INSTANT) });
  await call(200, `PATCH ${address}/alert-rules/${rule.id}`, { as, body: { threshold: 40 } });
  const got = await call(200, `GET ${address}/alert-rules/${rule.id}`, { as });
  expect(await call(200, `GET ${address}/alert-rules`, { as, query: { device_id: device.id } })).toMatchObject({
    items: [got],
    total: 1,
  });

  const alert = await people.alert(device);
  const range = { start: new Date(Date.now() - 3_600_000).toISOString(), end: new Date().toISOString() };
  const tested = await call(200, `POST ${address}/alert-rules/test`, { as, body: { rule: body, ...range } });
  expect(tested).toEqual({ devices: [{ device_id: device.id, device_uid: device.uid, samples: 1, alerts: [] }] });
  const acknowledged = await call(200, `POST ${address}/alerts/${alert}/acknowledge`, { as });
  expect(acknowledged).toMatchObject({ is_acknowledged: true, acknowledged_by: people.ADMIN.id, status: 'ACTIVE' });
  expect(await call(200, `POST ${address}/alerts/${alert}/acknowledge`, { as: people.MANAGER.token() })).toEqual(
    acknowledged,
  );
  const one = `${address}/alerts/${alert}`;
  const assigned = await call(200, `PATCH ${one}`, { as, body: { assigned_to: people.MANAGER.id } });
  expect(assigned).toMatchObject({ assigned_to: people.MANAGER.id });
  const comment = await call(201, `POST ${one}/comments`, { as, body: { text: 'The fan is stuck.' } });
  expect(comment).toMatchObject({ author_id: people.ADMIN.id, text: 'The fan is stuck.' });
  expect(await call(200, `GET ${one}/comments`, { as })).toMatchObject({ items: [comment], total: 1 });
  const noted = await call(200, `GET ${one}`, { as });
  expect(noted).toMatchObject({ comment_count: 1, assigned_to: people.MANAGER.id });
  // By the rule of this alert: the one made above may have raised another of the same sample by now.
  const all = { as, body: { rule_id: acknowledged.rule_id, status: 'ACTIVE' } };
  expect(await call(200, `POST ${address}/alerts/acknowledge`, all)).toEqual({ acknowledged: 0 });
  const query = { rule_id: acknowledged.rule_id, is_acknowledged: true };
  expect((await call(200, `GET ${address}/alerts`, { as, query })).items).toEqual([noted]);
  await call(204, `DELETE ${address}/alert-rules/${rule.id}`, { as });
}
