import { expect } from 'vitest';
import type { People } from '#test/support/people.ts';
import type { Call } from './scenario.alerts.ts';

/** The part of the walk that is about configurations. */
export async function walkThroughConfigurations(call: Call, people: People): Promise<void> {
  const as = people.USER.token();
  const group_id = await people.group();
  const device = await people.device({ owner_id: people.USER.id, group_id });
  const address = `/api/v1/devices/${device.id}/config`;
  const defaults = `/api/v1/device-groups/${group_id}/config`;
  const manager = people.MANAGER.token();
  await call(200, `PUT ${defaults}`, { as: manager, body: { interval: 30 } });
  await call(200, `PATCH ${defaults}`, { as: manager, body: { unit: 'celsius' } });
  expect(await call(200, `GET ${defaults}`, { as: manager })).toMatchObject({
    version: 2,
    updated_by: people.MANAGER.id,
  });

  await call(200, `PUT ${address}`, { as, body: { interval: 60, name: 'north' } });
  await call(200, `PATCH ${address}`, { as, body: { name: null } });
  const { desired } = await call(200, `GET ${address}`, { as });
  expect(desired).toMatchObject({ config: { interval: 60 }, updated_by: people.USER.id });

  const { headers } = device;
  const config = { interval: 60, unit: 'celsius' };
  expect(await call(200, 'GET /api/v1/device/config', { headers })).toEqual({ version: desired.version, config });
  const known = { ...headers, 'if-none-match': `"${desired.version}"` };
  await call(304, 'GET /api/v1/device/config', { headers: known });
  const report = { config_version: desired.version, config };
  const reported = await call(200, 'POST /api/v1/ingest/status', { headers, body: report });
  expect(reported).toEqual({ stored: 1, merged: 0, rejected: [] });
  expect(await call(200, `GET ${address}`, { as })).toMatchObject({ in_sync: true, delta: {}, effective: config });

  const { items: versions } = await call(200, `GET ${address}/history`, { as });
  expect(versions[0]).toMatchObject({ version: desired.version, config: { interval: 60 } });
  const body = { version: desired.version - 1 };
  const back = await call(200, `POST ${address}/rollback`, { as, body });
  expect(back).toMatchObject({ desired: { config: { interval: 60, name: 'north' } }, in_sync: false });
}
