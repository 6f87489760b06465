import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { publicKeyOf, signManifest } from '#modules/firmware/index.ts';
import { createPeople, type People, type TestDevice } from '#test/support/people.ts';
import { type RunningSystem, startTestSystem } from '#test/support/system.ts';

/*
 * What is refused to devices and to those who upload firmware, by name: each with its reason to the client, and in the audit trail.
 */

let system: RunningSystem;
let people: People;
let device: TestDevice;
let other: TestDevice;
let firmwareId: number;
beforeAll(async () => {
  system = await startTestSystem({ FIRMWARE_REQUIRE_SIGNATURE: 'true' });
  people = await createPeople(system);
  device = await people.device({ device_type: 'refused' });
  other = await people.device({ device_type: 'refused' });
  const body = { name: 'Release', public_key: key.publicKey };
  await request(201, 'POST /api/v1/firmware-keys', { as: people.ADMIN.token(), body });
  firmwareId = (await request(201, 'POST /api/v1/firmware', uploadOf({ sequence: 5, version: '5' }))).id;
});
afterAll(() => system.stop());

const pem = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' });
const key = publicKeyOf(pem);
const IMAGE = Buffer.from('an image');
const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

type Options = Omit<Parameters<RunningSystem['request']>[0], 'method' | 'url'>;
async function answer(route: string, options: Options = {}) {
  const [method = '', url = ''] = route.split(' ');
  return await system.request({ method: method as 'GET', url, ...options });
}
async function request(status: number, route: string, options: Options = {}) {
  const found = await answer(route, options);
  expect(found.status, `${route}: ${found.text}`).toBe(status);
  return found.json();
}
/** @returns the code that the client is told */
const codeOf = async (route: string, options: Options = {}) => (await answer(route, options)).json().code as string;

/** An upload that is signed rightly, of `IMAGE`. */
function uploadOf({ sequence, version }: { readonly sequence: number; readonly version: string }): Options & {
  readonly query: Readonly<Record<string, string | number>>;
} {
  const of = { device_type: 'refused', version, sequence, size: IMAGE.length, sha256: hashOf(IMAGE) };
  return {
    as: people.MANAGER.token(),
    query: { device_type: 'refused', version, sequence, signature: signManifest(of, pem), key_id: key.keyId },
    raw: IMAGE,
    headers: { 'content-type': 'application/octet-stream' },
  };
}
const upload = (given: Options) => codeOf('POST /api/v1/firmware', given);

/** A response over HTTP. @returns why it was not taken */
async function respond(by: TestDevice, body: object): Promise<string> {
  const { rejected } = await request(200, 'POST /api/v1/ingest/response', { headers: by.headers, body });
  return rejected[0]?.reason;
}
async function command(to: TestDevice): Promise<string> {
  const as = people.MANAGER.token();
  const made = await request(201, `POST /api/v1/devices/${to.id}/commands`, { as, body: { command: 'reboot' } });
  await request(200, 'GET /api/v1/device/commands', { headers: to.headers, query: { wait: '0' } });
  return made.command_id;
}
/** A campaign that has offered its image to the device, over hawkBit. */
async function offered(to: TestDevice): Promise<number> {
  const as = people.MANAGER.token();
  const body = { name: 'Roll', firmware_id: firmwareId, target: { device_ids: [to.id] } };
  const { id } = await request(201, 'POST /api/v1/campaigns', { as, body });
  await request(200, `POST /api/v1/campaigns/${id}/start`, { as });
  const poll = async () => (await request(200, `GET ${ddi(to)}`, { headers: to.headers }))._links.deploymentBase?.href;
  await expect.poll(poll, { timeout: 20_000 }).toBeDefined();
  await request(200, `GET ${new URL(await poll()).pathname}`, { headers: to.headers });
  return id;
}
const ddi = ({ uid }: TestDevice) => `/default/controller/v1/${uid}`;
const secretOf = ({ headers }: TestDevice) =>
  Buffer.from(headers.authorization.slice('Basic '.length), 'base64').toString().split(':')[1] ?? '';
const token = (secret: string) => ({ headers: { authorization: `TargetToken ${secret}` } });

async function linked(): Promise<URL> {
  const body = { expires_in_seconds: 600 };
  const links = await request(201, `POST /api/v1/firmware/${firmwareId}/links`, { as: people.MANAGER.token(), body });
  return new URL(links.url);
}

interface Refusal {
  readonly what: string;
  /** @returns the reason that the client is told */
  readonly does: () => Promise<string>;
  readonly told: string;
  readonly action: string;
  /** In the trail, where the client is told less. */
  readonly reason?: string;
}

const REFUSALS: readonly Refusal[] = [
  {
    what: 'a forged response: no such command',
    does: () => respond(device, { command_id: 'forged', status: 'success' }),
    ...{ told: 'unknown_command', action: 'command.response_refused' },
  },
  {
    what: 'a response to the command of another device',
    does: async () => respond(other, { command_id: await command(device), status: 'success' }),
    ...{ told: 'unknown_command', action: 'command.response_refused' },
  },
  {
    what: 'a replayed response',
    async does() {
      const command_id = await command(device);
      expect(await respond(device, { command_id, status: 'success' })).toBeUndefined();
      return await respond(device, { command_id, status: 'success' });
    },
    ...{ told: 'late_response', action: 'command.response_refused' },
  },
  {
    what: 'a response to a campaign that has offered nothing',
    does: () => respond(device, { campaign_id: 999_999, status: 'success' }),
    ...{ told: 'unknown_campaign', action: 'campaign.response_refused' },
  },
  {
    what: 'a response to a campaign that was aborted',
    async does() {
      const campaign_id = await offered(device);
      const as = people.MANAGER.token();
      await request(200, `POST /api/v1/campaigns/${campaign_id}/abort`, { as });
      // Its devices are cancelled in the background.
      const counts = async () => (await request(200, `GET /api/v1/campaigns/${campaign_id}`, { as })).counts;
      await expect.poll(counts, { timeout: 20_000 }).toMatchObject({ CANCELLED: 1 });
      return await respond(device, { campaign_id, status: 'success' });
    },
    ...{ told: 'late_campaign_response', action: 'campaign.response_refused' },
  },
  {
    what: 'a tampered image',
    does: () => upload({ ...uploadOf({ sequence: 6, version: '6' }), raw: Buffer.from('an imagE') }),
    ...{ told: 'firmware_signature_invalid', action: 'firmware.refused' },
  },
  {
    what: 'a wrong signature',
    does: () => upload({ ...uploadOf({ sequence: 6, version: '6' }), query: { ...signedFor7(), version: '6' } }),
    ...{ told: 'firmware_signature_invalid', action: 'firmware.refused' },
  },
  {
    what: 'a missing signature',
    does: () => upload({ ...uploadOf({ sequence: 6, version: '6' }), query: { device_type: 'refused', version: '6' } }),
    ...{ told: 'firmware_signature_invalid', action: 'firmware.refused' },
  },
  {
    what: 'a key that nobody has registered',
    does() {
      const given = uploadOf({ sequence: 6, version: '6' });
      return upload({ ...given, query: { ...given.query, key_id: '0'.repeat(16) } });
    },
    ...{ told: 'firmware_key_unknown', action: 'firmware.refused' },
  },
  {
    what: 'an older sequence',
    does: () => upload(uploadOf({ sequence: 4, version: '4' })),
    ...{ told: 'firmware_sequence_old', action: 'firmware.refused' },
  },
  {
    what: 'hawkBit: a wrong token',
    does: () => codeOf(`GET ${ddi(device)}`, token(randomBytes(32).toString('hex'))),
    ...{ told: 'authentication_required', action: 'device.login_failed' },
  },
  {
    what: 'hawkBit: the token of another device',
    does: () => codeOf(`GET ${ddi(device)}`, token(secretOf(other))),
    ...{ told: 'authentication_required', action: 'device.login_failed' },
  },
  {
    what: 'hawkBit: the address of another device',
    does: () => codeOf(`GET ${ddi(device)}`, { headers: other.headers }),
    ...{ told: 'device_not_found', action: 'firmware.request_refused', reason: 'foreign_device' },
  },
  {
    what: 'hawkBit: an image that was not offered',
    does: () =>
      codeOf(`GET ${ddi(other)}/softwaremodules/${firmwareId}/artifacts/firmware-${firmwareId}.swu`, {
        headers: other.headers,
      }),
    ...{ told: 'campaign_action_not_found', action: 'firmware.request_refused' },
  },
  {
    what: 'an image that was not offered',
    does: () => codeOf(`GET /api/v1/device/firmware/${firmwareId}`, { headers: other.headers }),
    ...{ told: 'firmware_not_offered', action: 'firmware.request_refused' },
  },
  {
    what: 'a login with a wrong secret',
    does: () => codeOf('GET /api/v1/device/commands', { headers: { authorization: basic(device.uid, 'wrong') } }),
    ...{ told: 'authentication_required', action: 'device.login_failed' },
  },
  {
    what: 'a link that was changed',
    async does() {
      const { pathname, searchParams } = await linked();
      const query = { ...Object.fromEntries(searchParams), expires: String(Number(searchParams.get('expires')) + 1) };
      return await codeOf(`GET ${pathname}`, { query });
    },
    ...{ told: 'firmware_link_invalid', action: 'firmware.link_refused' },
  },
];

const basic = (uid: string, secret: string) => `Basic ${Buffer.from(`${uid}:${secret}`).toString('base64')}`;
const signedFor7 = () => uploadOf({ sequence: 7, version: '7' }).query;

// biome-ignore lint/suspicious/noExplicitAny: entries of the trail
async function trail(action: string): Promise<readonly any[]> {
  const query = { action, size: '100' };
  return (await request(200, 'GET /api/v1/system/audit-logs', { as: people.ADMIN.token(), query })).items;
}

describe('refused, with its reason and an entry', () => {
  test.each(REFUSALS)('$what', async ({ does, told, action, reason = told }) => {
    const before = (await trail(action)).length;
    expect(await does()).toBe(told);
    const isIt = ({ details }: { details: { reason?: string } }) =>
      action === 'device.login_failed' || details.reason === reason;
    // The first of a device and a reason is there; those that follow within the hour are counted.
    await expect.poll(async () => (await trail(action)).filter(isIt).length).toBeGreaterThan(0);
    if (!HOURLY.includes(action)) expect((await trail(action)).length).toBe(before + 1);
  });

  test('a device that is refused a thousand times fills the trail with one line', async () => {
    const hostile = await people.device();
    const body = Array.from({ length: 1_000 }, (_, index) => ({ command_id: `forged-${index}`, status: 'success' }));
    const { rejected } = await request(200, 'POST /api/v1/ingest/response', { headers: hostile.headers, body });
    expect(rejected).toHaveLength(1_000);
    const own = async () =>
      (await trail('command.response_refused')).filter(({ resource_id }) => resource_id === String(hostile.id));
    await expect.poll(async () => (await own()).length).toBe(1);
    expect((await own())[0]).toMatchObject({ details: { reason: 'unknown_command', command_id: 'forged-0' } });
    const { rejected: counted } = await request(200, `GET /api/v1/devices/${hostile.id}/ledger`, {
      as: people.MANAGER.token(),
    });
    expect(counted).toEqual({ unknown_command: 1_000 });
  });
});

const HOURLY: readonly string[] = ['command.response_refused', 'campaign.response_refused', 'firmware.request_refused'];
