import { expect } from 'vitest';
import type { People } from '#test/support/people.ts';
import type { Call } from './scenario.alerts.ts';

/** The part of the walk that is about commands. */
export async function walkThroughCommands(call: Call, people: People): Promise<void> {
  const as = people.USER.token();
  const device = await people.device({ owner_id: people.USER.id });
  const address = `/api/v1/devices/${device.id}/commands`;
  const body = { command: 'set_interval', params: { seconds: 30 } };
  const headers = { 'idempotency-key': 'walk-1' };
  const made = await call(201, `POST ${address}`, { as, body, headers });
  expect(made).toMatchObject({ ...body, status: 'QUEUED', device_uid: device.uid, created_by: people.USER.id });
  expect(await call(200, `POST ${address}`, { as, body, headers })).toEqual(made);

  const { command_id, expires_at } = made;
  const { commands } = await call(200, 'GET /api/v1/device/commands', { headers: device.headers });
  expect(commands).toEqual([{ command_id, ...body, expires_at }]);
  const answer = { command_id, status: 'success', result: 30 };
  const answered = await call(200, 'POST /api/v1/ingest/response', { headers: device.headers, body: answer });
  expect(answered).toEqual({ stored: 1, merged: 0, rejected: [] });
  expect(await call(200, `GET ${address}/${command_id}`, { as })).toMatchObject({ status: 'SUCCEEDED', result: 30 });

  const other = await call(201, `POST ${address}`, { as, body });
  await call(200, `POST ${address}/${other.command_id}/cancel`, { as });
  const listed = await call(200, `GET ${address}`, { as });
  expect(listed).toMatchObject({ total: 2, counts: { SUCCEEDED: 1, CANCELLED: 1 } });

  const many = { target: { device_ids: [device.id] }, command: 'blink' };
  const { batch_id } = await call(202, 'POST /api/v1/commands', { as: people.MANAGER.token(), body: many });
  await expect
    .poll(
      async () => (await call(200, 'GET /api/v1/commands', { as: people.ADMIN.token(), query: { batch_id } })).total,
    )
    .toBe(1);
}
