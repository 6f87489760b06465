import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPeople, type People } from '#test/support/people.ts';
import { type RunningSystem, startTestSystem } from '#test/support/system.ts';

let system: RunningSystem;
let people: People;
beforeAll(async () => {
  system = await startTestSystem({ ROLES: 'api,ingest,scheduler' });
  people = await createPeople(system);
});
afterAll(() => system.stop());

const call = (method: 'GET' | 'POST', url: string, body?: unknown) =>
  system.request({ method, url, as: people.ADMIN.token(), ...(body === undefined ? {} : { body }) });

/** What an administrator might fill in. */
const DATA: Readonly<Record<string, object>> = {
  analyze_device: { device_id: 1, start: '2026-11-22T00:00:00Z', end: '2026-11-23T00:00:00Z' },
  send_email: { to: 'a@example.com', subject: 'Hello', text: 'There.' },
  send_webhook: { endpoint: 'first', id: 'w1', body: {} },
  push_notification: {
    ...{ key: 'k1', user_ids: [1], management: false, type: 'maintenance', title: 'Tonight', message: 'We update.' },
    ...{ data: {}, channels: ['web'] },
  },
};

test('every job that is shown can be run by an ADMIN, with data of its schema, and leaves an entry', async () => {
  const { items } = (await call('GET', '/api/v1/system/jobs')).json();
  const names = items.map(({ name }: { name: string }) => name);
  expect(names).toEqual(expect.arrayContaining(['run_daily_analytics', ...Object.keys(DATA)]));
  // What carries secrets, or says who speaks, is the program's alone.
  for (const name of ['send_account_mail', 'bulk_notification']) {
    expect(names).not.toContain(name);
    expect((await call('POST', `/api/v1/system/jobs/${name}/run`, { data: {} })).status, name).toBe(404);
  }
  for (const { name, runs_without_data, data_schema } of items) {
    expect(data_schema, name).toMatchObject({ type: 'object', additionalProperties: false });
    const body = runs_without_data ? {} : { data: DATA[name] };
    const answer = await call('POST', `/api/v1/system/jobs/${name}/run`, body);
    expect([answer.status, answer.text], name).toEqual([202, expect.stringContaining('job_id')]);
    const unknown = await call('POST', `/api/v1/system/jobs/${name}/run`, { data: { ...DATA[name], unheard_of: 1 } });
    expect([unknown.status, unknown.json().errors], name).toEqual([
      422,
      [{ path: '/data/unheard_of', message: expect.any(String) }],
    ]);
  }
  const audited = (await call('GET', '/api/v1/system/audit-logs?action=job.run&size=100')).json().items;
  expect(audited.map(({ details }: { details: { name: string } }) => details.name).sort()).toEqual([...names].sort());
  expect(audited[0]).toMatchObject({
    user_id: people.ADMIN.id,
    ip_address: '127.0.0.1',
    request_id: expect.any(String),
  });
});

test('reports and exports leave an entry', async () => {
  const made = await call('POST', '/api/v1/devices', { name: 'A device', device_type: 'test' });
  const { id } = made.json();
  const range = { start: '2026-11-22T00:00:00Z', end: '2026-11-23T00:00:00Z' };
  const report = (await call('POST', `/api/v1/analytics/reports/${id}`, range)).json();
  await call('GET', `/api/v1/analytics/export/${id}?format=csv`);
  const entry = async (action: string) =>
    (await call('GET', `/api/v1/system/audit-logs?action=${action}`)).json().items;
  expect(await entry('report.created')).toEqual([
    expect.objectContaining({ resource_id: report.id, details: expect.objectContaining({ device_id: id }) }),
  ]);
  expect(await entry('telemetry.exported')).toEqual([
    expect.objectContaining({ resource_id: String(id), details: expect.objectContaining({ format: 'csv' }) }),
  ]);
});
