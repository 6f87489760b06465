import mqtt from 'mqtt';
import { expect } from 'vitest';
import type { People } from '#test/support/people.ts';
import type { RunningSystem } from '#test/support/system.ts';
import type { Call } from './scenario.alerts.ts';

/** The part of the walk that is about campaigns. */
export async function walkThroughCampaigns(call: Call, people: People, system: RunningSystem): Promise<void> {
  const as = people.MANAGER.token();
  const device = await people.device({ device_type: 'roller', owner_id: people.USER.id });
  const headers = { 'content-type': 'application/octet-stream' };
  const query = { device_type: 'roller', version: '2.0.0' };
  const image = { as, query, raw: Buffer.from('an image'), headers };
  const { id: firmware_id } = await call(201, 'POST /api/v1/firmware', image);

  const [username = '', password = ''] = Buffer.from(device.headers.authorization.slice(6), 'base64')
    .toString()
    .split(':');
  const client = await mqtt.connectAsync(system.system.broker.addresses()[0] ?? '', {
    username,
    password,
  });
  const offered = new Promise<Buffer>((resolve) => client.once('message', (_topic, payload) => resolve(payload)));
  await client.subscribeAsync(`devices/${device.uid}/ota`, { qos: 1 });

  const body = { name: 'Roll', firmware_id, target: { device_ids: [device.id] }, requires_approval: true };
  const { id } = await call(201, 'POST /api/v1/campaigns', { as, body });
  const address = `/api/v1/campaigns/${id}`;
  await call(200, `POST ${address}/approve`, { as: people.ADMIN.token() });
  await call(200, `POST ${address}/start`, { as });
  const offer = JSON.parse((await offered).toString());
  expect(offer).toMatchObject({ campaign_id: id, firmware_id, version: '2.0.0' });
  await expect
    .poll(
      async () =>
        (await call(200, `GET /api/v1/devices/${device.id}/ota`, { as: people.USER.token() })).campaigns[0].status,
    )
    .toBe('OFFERED');
  const downloaded = await call(200, `GET /api/v1/device/firmware/${firmware_id}`, { headers: device.headers });
  expect(downloaded).toBe('an image');
  expect((await call(200, `GET ${address}/devices`, { as })).items).toMatchObject([
    { device_id: device.id, attempts: 1 },
  ]);
  await call(200, `POST ${address}/pause`, { as });
  await call(200, `POST ${address}/resume`, { as });
  await call(200, `POST ${address}/abort`, { as });
  expect(await call(200, `GET ${address}`, { as })).toMatchObject({ status: 'ABORTED', reason: 'person' });
  expect((await call(200, 'GET /api/v1/campaigns', { as, query: { status: 'ABORTED' } })).total).toBe(1);
  await client.endAsync();
}
