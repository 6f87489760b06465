import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type CampaignsHarness, createCampaignsHarness, IMAGE } from '#test/support/campaigns.ts';

/* A client of hawkBit's DDI, written from its public description. */

let h: CampaignsHarness;
// biome-ignore lint/suspicious/noExplicitAny: the answer of POST /devices
let device: any;
let campaign: number;
beforeAll(async () => {
  h = await createCampaignsHarness();
  h.imageType = 'rauc';
});
beforeEach(async () => {
  device = await h.devices.device({ device_type: 'rauc' });
  const as = h.devices.actors.MANAGER;
  const body = {
    name: 'Roll',
    firmware_id: 1,
    target: { device_ids: [device.id] },
    stages: [{ percent: 100, gate: [] }],
  };
  campaign = (await h.app.request({ method: 'POST', url: '/api/v1/campaigns', as, body })).json().id;
  await h.app.request({ method: 'POST', url: `/api/v1/campaigns/${campaign}/start`, as });
  await h.drive(campaign);
});
afterAll(() => h.close());

const token = (of = device) => ({ authorization: `TargetToken ${of.credentials.password}` });
const base = () => `/default/controller/v1/${device.device_uid}`;
const get = (url: string, headers: Readonly<Record<string, string>> = token()) => h.app.request({ url, headers });
const send = (method: 'POST' | 'PUT', url: string, body: object) =>
  h.app.request({ method, url, body, headers: token() });
const pathOf = (href: string) => href.replace('http://iot.example', '');
const feedback = (execution: string, finished = 'none', more: object = {}) => ({
  id: '1',
  time: '20261126T221500',
  status: { execution, result: { finished, progress: null, ...more }, details: ['said the device'] },
});
const statusOf = async () => {
  const url = `/api/v1/devices/${device.id}/ota`;
  return (await h.app.request({ url, as: h.devices.actors.MANAGER })).json().campaigns[0];
};

async function deployment(): Promise<string> {
  const { _links } = (await get(base())).json();
  return pathOf(_links.deploymentBase.href);
}

describe('a client of hawkBit', () => {
  test('polls, downloads, installs, says so, and is done', async () => {
    const polled = await get(base());
    expect(polled.headers['content-type']).toContain('application/hal+json');
    expect(polled.json()).toMatchObject({
      config: { polling: { sleep: '00:05:00' } },
      _links: { configData: { href: `http://iot.example${base()}/configData` } },
    });
    const action = await deployment();
    expect(await statusOf()).toMatchObject({ status: 'QUEUED' });
    const found = (await get(action)).json();
    expect(found.deployment).toMatchObject({ download: 'forced', update: 'forced' });
    const [chunk] = found.deployment.chunks;
    expect(chunk).toMatchObject({ part: 'os', version: IMAGE.version, name: h.imageType });
    const [artifact] = chunk.artifacts;
    expect(artifact).toMatchObject({ size: 3, hashes: { sha256: IMAGE.sha256, sha1: IMAGE.sha1, md5: IMAGE.md5 } });
    expect(artifact._links['download-http']).toEqual(artifact._links.download);
    expect(await statusOf()).toMatchObject({ status: 'OFFERED', attempts: 1 });

    expect((await send('POST', `${action}/feedback`, feedback('download'))).status).toBe(200);
    expect((await statusOf()).status).toBe('DOWNLOADING');
    expect((await get(pathOf(artifact._links.download.href))).text).toBe('abc');
    const rest = await get(pathOf(artifact._links.download.href), { ...token(), range: 'bytes=1-' });
    expect([rest.status, rest.text]).toEqual([206, 'bc']);
    expect((await get(pathOf(artifact._links.md5sum.href))).text).toBe(`${IMAGE.md5}  firmware-1.swu`);
    await send('POST', `${action}/feedback`, feedback('downloaded'));
    await send('POST', `${action}/feedback`, feedback('proceeding', 'none', { progress: { of: 5, cnt: 2 } }));
    expect(await statusOf()).toMatchObject({ status: 'INSTALLING', progress: 40 });
    await send('POST', `${action}/feedback`, feedback('closed', 'success'));
    expect((await statusOf()).status).toBe('SUCCEEDED');
    const after = (await get(base())).json()._links;
    expect(Object.keys(after)).toEqual(['installedBase']);
    expect((await get(pathOf(after.installedBase.href))).json().deployment.chunks[0].version).toBe(IMAGE.version);
    const late = await send('POST', `${action}/feedback`, feedback('closed', 'failure'));
    expect([late.status, late.json().code]).toEqual([409, 'campaign_action_ended']);
  });

  test('says that it has failed, and is offered it again later', async () => {
    const action = await deployment();
    await get(action);
    h.devices.clock.advance(1);
    await send('POST', `${action}/feedback`, feedback('closed', 'failure'));
    expect(await statusOf()).toMatchObject({ status: 'QUEUED', reason: 'said the device' });
    expect((await get(base())).json()._links.deploymentBase).toBeUndefined();
    h.devices.clock.advance(300_000);
    expect((await get(base())).json()._links.deploymentBase).toBeDefined();
  });

  test('is told of an abort until it has taken note', async () => {
    await get(await deployment());
    const abort = { method: 'POST', url: `/api/v1/campaigns/${campaign}/abort`, as: h.devices.actors.MANAGER } as const;
    await h.app.request(abort);
    await h.drive(campaign);
    const { _links } = (await get(base())).json();
    expect(_links.deploymentBase).toBeUndefined();
    const cancel = pathOf(_links.cancelAction.href);
    const { id, cancelAction } = (await get(cancel)).json();
    expect(cancelAction.stopId).toBe(id);
    await send('POST', `${cancel}/feedback`, feedback('closed', 'success'));
    expect((await get(base())).json()._links.cancelAction).toBeUndefined();
  });

  test('which version it runs, configData says: one that has it already is skipped', async () => {
    await send('PUT', `${base()}/configData`, { mode: 'merge', data: { firmware_version: IMAGE.version, other: 1 } });
    expect((await statusOf()).status).toBe('SKIPPED');
    expect((await get(base())).json()._links).toEqual({});
  });

  test('with the token of another device gets nothing', async () => {
    const other = await h.devices.device();
    const action = await deployment();
    expect((await get(base(), token(other))).status).toBe(401);
    const basic = `Basic ${Buffer.from(`${other.device_uid}:${other.credentials.password}`).toString('base64')}`;
    const foreign = await get(base(), { authorization: basic });
    expect([foreign.status, foreign.json().code]).toEqual([404, 'device_not_found']);
    const own = action.replace(device.device_uid, other.device_uid);
    expect((await get(own, token(other))).json().code).toBe('campaign_action_not_found');
    const artifact = `/default/controller/v1/${other.device_uid}/softwaremodules/1/artifacts/firmware-1.swu`;
    expect((await get(artifact, token(other))).json().code).toBe('campaign_action_not_found');
  });

  test('feedback that is none is refused with what is accepted', async () => {
    const action = await deployment();
    await get(action);
    const answer = await send('POST', `${action}/feedback`, { status: { execution: 'odd' } });
    expect([answer.status, answer.json().errors[0].message]).toEqual([422, expect.stringContaining('execution')]);
  });
});
