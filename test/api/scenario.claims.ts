import { expect } from 'vitest';
import type { People } from '#test/support/people.ts';
import type { Call } from './scenario.alerts.ts';

/** The part of the walk that is about claims. */
export async function walkThroughClaims(call: Call, people: People): Promise<void> {
  const as = people.MANAGER.token();
  const claims = '/api/v1/provisioning/claims';
  const plan = { name: 'Batch', device_type: 'walker', max_devices: 1, expires_at: '2100-01-01T00:00:00.000Z' };
  const { token, ...claim } = await call(201, `POST ${claims}`, { as, body: plan });
  expect(claim).toMatchObject({ ...plan, used: 0, created_by: people.MANAGER.id });
  const body = { token, device_uid: 'claimed-1' };
  const { username, password } = await call(201, 'POST /api/v1/provision', { body });
  const headers = { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
  const stored = await call(200, 'POST /api/v1/ingest/telemetry', { headers, body: { temperature: 21.4 } });
  expect(stored).toMatchObject({ stored: 1 });
  await call(403, 'POST /api/v1/provision', { body: { token, device_uid: 'claimed-2' } });
  const attempts = await call(200, `GET ${claims}/${claim.id}/attempts`, { as });
  expect(attempts.items).toMatchObject([{ error: 'claim_used_up' }, { device_uid: 'claimed-1', step: 'done' }]);
  await call(200, `POST ${claims}/${claim.id}/revoke`, { as });
  const revoked = await call(200, `GET ${claims}/${claim.id}`, { as });
  expect(revoked).toMatchObject({ used: 1, revoked_at: expect.any(String) });
  expect((await call(200, `GET ${claims}`, { as, query: { device_type: 'walker' } })).items).toEqual([revoked]);
}
