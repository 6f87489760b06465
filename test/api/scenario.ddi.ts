import { expect } from 'vitest';
import type { People, TestDevice } from '#test/support/people.ts';
import type { RunningSystem } from '#test/support/system.ts';
import type { Call } from './scenario.alerts.ts';

/** The part of the walk that is about clients of hawkBit. */
export async function walkThroughDdi(call: Call, people: People, system: RunningSystem): Promise<void> {
  const as = people.MANAGER.token();
  const device_type = 'hawk';
  const device = await people.device({ device_type });
  const raw = Buffer.from('an image');
  const upload = {
    as,
    query: { device_type, version: '2' },
    raw,
    headers: { 'content-type': 'application/octet-stream' },
  };
  const { id: firmware_id } = await call(201, 'POST /api/v1/firmware', upload);
  const { headers } = device;
  const base = `/default/controller/v1/${device.uid}`;
  const body = { mode: 'merge', data: { firmware_version: '1' } };
  await call(200, `PUT ${base}/configData`, { headers, body });

  const started = async () => {
    const plan = { name: 'Hawk', firmware_id, target: { device_ids: [device.id] } };
    const { id } = await call(201, 'POST /api/v1/campaigns', { as, body: plan });
    await call(200, `POST /api/v1/campaigns/${id}/start`, { as });
    return id;
  };
  const links = async () => (await call(200, `GET ${base}`, { headers }))._links;
  const linked = async (name: string) => {
    await expect.poll(async () => Object.keys(await links()), { timeout: 20_000 }).toContain(name);
    return new URL((await links())[name].href).pathname;
  };
  const said = (execution: string, finished: string) => ({
    headers,
    body: { status: { execution, result: { finished } } },
  });

  const aborted = await started();
  await call(200, `GET ${await linked('deploymentBase')}`, { headers });
  await call(200, `POST /api/v1/campaigns/${aborted}/abort`, { as });
  const cancel = await linked('cancelAction');
  await call(200, `GET ${cancel}`, { headers });
  await call(200, `POST ${cancel}/feedback`, said('closed', 'success'));

  await started();
  const action = await linked('deploymentBase');
  const { deployment } = await call(200, `GET ${action}`, { headers });
  const { download } = deployment.chunks[0].artifacts[0]._links;
  expect(await call(200, `GET ${new URL(download.href).pathname}`, { headers })).toBe('an image');
  await call(200, `POST ${action}/feedback`, said('closed', 'success'));
  await call(200, `GET ${await linked('installedBase')}`, { headers });
  await refusesOthers(system, device, await people.device());
}

async function refusesOthers(system: RunningSystem, device: TestDevice, other: TestDevice): Promise<void> {
  const url = `/default/controller/v1/${device.uid}`;
  expect((await system.request({ url, headers: other.headers })).status).toBe(404);
}
