import { generateKeyPairSync } from 'node:crypto';
import { expect } from 'vitest';
import type { People } from '#test/support/people.ts';
import type { Call } from './scenario.alerts.ts';

/** The part of the walk that is about firmware. */
export async function walkThroughFirmware(call: Call, people: People): Promise<void> {
  const as = people.MANAGER.token();
  const headers = { 'content-type': 'application/octet-stream' };
  const query = { device_type: 'walker', version: '1.5.0', notes: 'Fixes the valve' };
  const image = Buffer.from('an image');
  const firmware = await call(201, 'POST /api/v1/firmware', { as, query, raw: image, headers });
  expect(firmware).toMatchObject({ ...query, sequence: 1, size: image.length, created_by: people.MANAGER.id });
  const address = `/api/v1/firmware/${firmware.id}`;
  expect(await call(200, `GET ${address}`, { as })).toEqual(firmware);
  expect((await call(200, 'GET /api/v1/firmware', { as, query: { device_type: 'walker' } })).items).toEqual([firmware]);

  const { url } = await call(201, `POST ${address}/links`, { as, body: { expires_in_seconds: 600 } });
  const { pathname, searchParams } = new URL(url);
  const downloaded = await call(200, `GET ${pathname}`, { query: Object.fromEntries(searchParams) });
  expect(downloaded).toBe('an image');

  const { publicKey } = generateKeyPairSync('ed25519');
  const body = { name: 'Release', public_key: publicKey.export({ format: 'pem', type: 'spki' }) };
  const admin = people.ADMIN.token();
  const { key_id } = await call(201, 'POST /api/v1/firmware-keys', { as: admin, body });
  const { keys } = await call(200, 'GET /api/v1/firmware-keys', { as });
  expect(keys.map((key: { key_id: string }) => key.key_id)).toEqual([firmware.key_id, key_id]);
  await call(204, `DELETE /api/v1/firmware-keys/${key_id}`, { as: admin });
  await call(204, `DELETE ${address}`, { as });
}
