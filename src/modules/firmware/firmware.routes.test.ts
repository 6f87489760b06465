import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Principal } from '#kernel/access.ts';
import { createFileBlobStore } from '#platform/blobs/files/blobs.files.ts';
import { auditedDeviceStore, auditedOn, auditedStore } from '#test/support/audit.ts';
import { createDevicesHarness, type DevicesHarness } from '#test/support/devices.ts';
import { createDeviceAuthenticator, createTestApp, type TestApp } from '#test/support/http.ts';
import {
  createFirmwareModule,
  type FirmwareModule,
  firmwareMigrations,
  isSignedBy,
  publicKeyOf,
  readPublicKey,
  signManifest,
} from './index.ts';

const MAX_BYTES = 300_000;
let folder: string;
let h: DevicesHarness;
let module: FirmwareModule;
let app: TestApp;
/** Who may have which image. */
let offered: { readonly deviceId: number; readonly firmwareId: number } | undefined;
const usage = {
  isOffered: async (deviceId: number, firmwareId: number) =>
    offered?.deviceId === deviceId && offered.firmwareId === firmwareId,
  isUsedIn: async (_transaction: unknown, firmwareId: number) => offered?.firmwareId === firmwareId,
};
const soon = () => AbortSignal.timeout(5_000);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'firmware-'));
  h = await createDevicesHarness('owned', undefined, undefined, firmwareMigrations);
  const blobs = createFileBlobStore({ folder: join(folder, 'blobs') });
  await blobs.start?.(soon());
  module = createFirmwareModule({
    persistence: {
      ...{ ...auditedStore(h.sql, h.clock), blobs },
      refusals: {
        devices: auditedDeviceStore(h.sql, h.clock).refusals,
        anybody: auditedStore(h.sql, h.clock).refusals,
      },
    },
    usage,
    clock: h.clock,
    options: {
      keysFolder: join(folder, 'keys'),
      maxBytes: MAX_BYTES,
      requiresSignature: false,
      publicUrl: () => 'http://iot.example',
    },
  });
  for (const component of module.components) await component.start?.(soon());
  const authenticator = createDeviceAuthenticator(h.api);
  app = await createTestApp({ routes: module.routes, clock: h.clock, authenticator });
});
afterAll(async () => {
  await app.close();
  await h.close();
  await rm(folder, { recursive: true, force: true });
});

let made = 0;
/** A device type that nothing else uses. */
const newType = () => `type-${++made}`;
const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

interface Given {
  readonly device_type: string;
  readonly version?: string;
  readonly [field: string]: string | number | undefined;
}

function upload(given: Given, image: Buffer, as: Principal = h.actors.MANAGER, headers = IMAGE) {
  const query = Object.fromEntries(
    Object.entries({ version: '1.0.0', ...given }).filter(([, value]) => value !== undefined),
  );
  return app.request({ method: 'POST', url: '/api/v1/firmware', as, query: query as never, raw: image, headers });
}
const IMAGE = { 'content-type': 'application/octet-stream' };

async function uploaded(given: Given, image = randomBytes(1_000)) {
  const answer = await upload(given, image);
  expect(answer.status, answer.text).toBe(201);
  return answer.json();
}

const blobs = async () => (await readdir(join(folder, 'blobs'))).length;

describe('an upload', () => {
  test('is hashed on the way, gets the next sequence of its type, and is signed by the installation', async () => {
    const image = randomBytes(200_000);
    const device_type = newType();
    const first = await uploaded({ device_type, notes: 'First' }, image);
    expect(first).toMatchObject({
      device_type,
      version: '1.0.0',
      sequence: 1,
      size: image.length,
      sha256: hashOf(image),
    });
    expect(first.md5).toBe(createHash('md5').update(image).digest('hex'));
    expect(first.sha1).toBe(createHash('sha1').update(image).digest('hex'));
    expect((await uploaded({ device_type, version: '1.1.0' })).sequence).toBe(2);
    const { keys } = (await app.request({ url: '/api/v1/firmware-keys', as: h.actors.MANAGER })).json();
    expect(first.key_id).toBe(keys[0].key_id);
    const { version, sequence, size, sha256 } = first;
    const key = readPublicKey(keys[0].public_key);
    expect(isSignedBy({ device_type, version, sequence, size, sha256 }, first.signature, key)).toBe(true);
    // A tampered image has another hash, and so another manifest.
    expect(
      isSignedBy({ device_type, version, sequence, size, sha256: hashOf(randomBytes(9)) }, first.signature, key),
    ).toBe(false);
    expect(isSignedBy({ device_type, version, sequence: 9, size, sha256 }, first.signature, key)).toBe(false);
  });

  test('may be the file of a form', async () => {
    const image = randomBytes(50_000);
    const boundary = 'x-boundary';
    const raw = Buffer.concat([
      Buffer.from(
        `--${boundary}\r\nContent-Disposition: form-data; name="image"; filename="fw.bin"\r\nContent-Type: application/octet-stream\r\n\r\n`,
      ),
      image,
      Buffer.from(`\r\n--${boundary}--\r\n`),
    ]);
    const headers = { 'content-type': `multipart/form-data; boundary=${boundary}` };
    const answer = await upload({ device_type: newType() }, raw, h.actors.MANAGER, headers);
    expect([answer.status, answer.json().sha256]).toEqual([201, hashOf(image)]);
    const empty = Buffer.from(`--${boundary}--\r\n`);
    const refused = await upload({ device_type: newType() }, empty, h.actors.MANAGER, headers);
    expect([refused.status, refused.json().code]).toEqual([422, 'firmware_invalid']);
  });

  test('of a form with two files is refused, however far apart they come, and leaves nothing', async () => {
    const before = await blobs();
    const part = (name: string) =>
      `--B\r\ncontent-disposition: form-data; name="${name}"; filename="${name}.bin"\r\n\r\n`;
    const headers = { 'content-type': 'multipart/form-data; boundary=B' };
    for (const bytes of [10, 120_000]) {
      const [first, second] = [randomBytes(bytes), randomBytes(bytes)];
      const raw = Buffer.concat([
        ...[Buffer.from(part('a')), first, Buffer.from(`\r\n${part('b')}`), second, Buffer.from('\r\n--B--\r\n')],
      ]);
      const answer = await upload({ device_type: newType() }, raw, h.actors.MANAGER, headers);
      expect([answer.status, answer.json().errors]).toEqual([
        422,
        [{ path: '/', message: 'the form has more than one file' }],
      ]);
    }
    expect(await blobs()).toBe(before);
  });

  test('by a form that ends too early is refused, whether anybody reads it or not, and leaves nothing', async () => {
    const device_type = newType();
    await uploaded({ device_type });
    const before = await blobs();
    const headers = { 'content-type': 'multipart/form-data; boundary=B' };
    const form = (bytes: number) =>
      Buffer.concat([
        Buffer.from('--B\r\ncontent-disposition: form-data; name="image"; filename="a"\r\n\r\n'),
        randomBytes(bytes),
      ]);
    for (const bytes of [1, 100, 200_000]) {
      const cut = await upload({ device_type, version: '2' }, form(bytes), h.actors.MANAGER, headers);
      expect([cut.status, cut.json().code]).toEqual([422, 'firmware_invalid']);
      const known = await upload({ device_type }, form(bytes), h.actors.MANAGER, headers);
      expect(known.json().code).toBe('firmware_exists');
      const unread = await upload({ device_type, version: '' }, form(bytes), h.actors.MANAGER, headers);
      expect(unread.json().code).toBe('invalid_input');
    }
    expect(await blobs()).toBe(before);
  });

  test('that is refused leaves nothing: too large, empty, of a version that there is', async () => {
    const device_type = newType();
    await uploaded({ device_type });
    const before = await blobs();
    const large = await upload({ device_type, version: '2.0.0' }, randomBytes(MAX_BYTES + 1));
    expect([large.status, large.json().code]).toEqual([413, 'body_too_large']);
    const empty = await upload({ device_type, version: '2.0.0' }, Buffer.alloc(0));
    expect([empty.status, empty.json().code]).toEqual([422, 'firmware_invalid']);
    const again = await upload({ device_type }, randomBytes(10));
    expect([again.status, again.json().code]).toEqual([409, 'firmware_exists']);
    expect(await blobs()).toBe(before);
    const json = await upload({ device_type, version: '3' }, Buffer.from('{}'), h.actors.MANAGER, {
      'content-type': 'application/json',
    });
    expect(json.status).toBe(415);
  });

  test('of one version at the same time: one counts, and the other leaves no file', async () => {
    const device_type = newType();
    const before = await blobs();
    const answers = await Promise.all([1, 2, 3].map(() => upload({ device_type }, randomBytes(100_000))));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
    expect(await blobs()).toBe(before + 1);
  });
});

describe('signed by a key that never was on the server', () => {
  const pem = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' });
  const { keyId: key_id, publicKey: public_key } = publicKeyOf(pem);

  function signed(device_type: string, image: Buffer, sequence: number, version = '1.0.0') {
    const manifest = { device_type, version, sequence, size: image.length, sha256: hashOf(image) };
    return { device_type, version, sequence, key_id, signature: signManifest(manifest, pem) };
  }

  async function refusal(given: Given, image: Buffer) {
    const answer = await upload(given, image);
    const entry = (await auditedOn(h.sql)).findLast(({ action }) => action === 'firmware.refused');
    return [
      answer.status,
      answer.json().code,
      entry?.details['reason'],
      entry?.details['device_type'] === given.device_type,
    ];
  }

  test('before the key is registered, nothing; by an ADMIN, whose entry says so', async () => {
    const image = randomBytes(100);
    const given = signed(newType(), image, 1);
    expect(await refusal(given, image)).toEqual([403, 'firmware_key_unknown', 'firmware_key_unknown', true]);
    const key = { method: 'POST', url: '/api/v1/firmware-keys', body: { name: 'Release', public_key } } as const;
    expect((await app.request({ ...key, as: h.actors.MANAGER })).status).toBe(403);
    expect((await app.request({ ...key, as: h.actors.ADMIN })).json()).toMatchObject({ key_id, public_key });
    const body = { name: 'Odd', public_key: 'bm90IGEga2V5' };
    expect((await app.request({ ...key, body, as: h.actors.ADMIN })).json().code).toBe('firmware_key_invalid');
    expect((await upload(given, image)).json()).toMatchObject({ key_id, signature: given.signature, sequence: 1 });
  });

  test('refused: a tampered image, a signature of another manifest, a sequence that is no news, half of it', async () => {
    const device_type = newType();
    const image = randomBytes(100);
    expect(await refusal(signed(device_type, image, 5), randomBytes(100))).toEqual([
      403,
      'firmware_signature_invalid',
      'firmware_signature_invalid',
      true,
    ]);
    const forged = { ...signed(device_type, image, 5), sequence: 6 };
    expect((await refusal(forged, image))[1]).toBe('firmware_signature_invalid');
    expect((await upload(signed(device_type, image, 5), image)).status).toBe(201);
    const older = signed(device_type, image, 5, '1.1.0');
    expect(await refusal(older, image)).toEqual([409, 'firmware_sequence_old', 'firmware_sequence_old', true]);
    const half = { ...signed(device_type, image, 7, '1.2.0'), key_id: undefined };
    expect((await upload(half, image)).json().code).toBe('firmware_invalid');
  });
});

describe('a download', () => {
  let image: Buffer<ArrayBuffer>;
  let id: number;
  // biome-ignore lint/suspicious/noExplicitAny: the answer of POST /devices
  let device: any;
  beforeAll(async () => {
    image = randomBytes(250_000);
    ({ id } = await uploaded({ device_type: newType() }, image));
    device = await h.device();
    offered = { deviceId: device.id, firmwareId: id };
  });

  function get(headers: Readonly<Record<string, string>> = {}, by = device) {
    const { username, password } = by.credentials;
    const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
    return app.app.inject({ url: `/api/v1/device/firmware/${id}`, headers: { authorization, ...headers } });
  }

  test('is for devices that it was offered to', async () => {
    const whole = await get();
    expect([whole.statusCode, hashOf(whole.rawPayload)]).toEqual([200, hashOf(image)]);
    expect(whole.headers).toMatchObject({
      'content-length': '250000',
      etag: `"${hashOf(image)}"`,
      'accept-ranges': 'bytes',
    });
    const refused = await get({}, await h.device());
    expect([refused.statusCode, refused.json().code]).toEqual([403, 'firmware_not_offered']);
  });

  test('goes on where it was cut off: Range, If-Range, 416, 304', async () => {
    const etag = `"${hashOf(image)}"`;
    const first = await get({ range: 'bytes=0-99999' });
    const rest = await get({ range: 'bytes=100000-', 'if-range': etag });
    expect([first.statusCode, rest.statusCode]).toEqual([206, 206]);
    expect(rest.headers['content-range']).toBe('bytes 100000-249999/250000');
    expect(hashOf(Buffer.concat([first.rawPayload, rest.rawPayload]))).toBe(hashOf(image));
    expect(hashOf((await get({ range: 'bytes=-10' })).rawPayload)).toBe(hashOf(image.subarray(-10)));
    const other = await get({ range: 'bytes=100000-', 'if-range': '"other"' });
    expect([other.statusCode, other.rawPayload.length]).toEqual([200, image.length]);
    const beyond = await get({ range: 'bytes=250000-' });
    expect([beyond.statusCode, beyond.headers['content-range']]).toEqual([416, 'bytes */250000']);
    expect((await get({ 'if-none-match': etag })).statusCode).toBe(304);
    for (const range of ['bytes=0-1,5-9', 'lines=1-2', 'bytes=x']) {
      expect((await get({ range })).rawPayload.length).toBe(image.length);
    }
  });

  test('by a link until it expires, and not by one that was changed', async () => {
    const links = { method: 'POST', url: `/api/v1/firmware/${id}/links`, as: h.actors.MANAGER } as const;
    const { url, expires_at } = (await app.request({ ...links, body: { expires_in_seconds: 60 } })).json();
    expect(url.startsWith('http://iot.example/api/v1/firmware/')).toBe(true);
    const path = url.slice('http://iot.example'.length);
    const answer = await app.app.inject({ url: path });
    expect([answer.statusCode, hashOf(answer.rawPayload)]).toEqual([200, hashOf(image)]);
    const later = path.replace(/expires=(\d+)/, (_: string, at: string) => `expires=${Number(at) + 1}`);
    for (const bad of [
      later,
      path.replace(/.$/, (last: string) => (last === '0' ? '1' : '0')),
      path.replace(`/${id}/`, `/${id + 1}/`),
    ]) {
      expect((await app.request({ url: bad })).json().code).toBe('firmware_link_invalid');
    }
    h.clock.advance(Date.parse(expires_at) - h.clock.now());
    expect((await app.request({ url: path })).json().code).toBe('firmware_link_invalid');
  });

  test('one that is in use cannot be deleted; then it can, and its sequence is not given again', async () => {
    const remove = (which: number) =>
      app.request({ method: 'DELETE', url: `/api/v1/firmware/${which}`, as: h.actors.MANAGER });
    expect((await remove(id)).json().code).toBe('firmware_in_use');
    const device_type = newType();
    await uploaded({ device_type });
    const second = await uploaded({ device_type, version: '2' });
    const before = await blobs();
    expect((await remove(second.id)).status).toBe(204);
    expect(await blobs()).toBe(before - 1);
    expect((await remove(second.id)).json().code).toBe('firmware_not_found');
    expect((await uploaded({ device_type, version: '3' })).sequence).toBe(3);
  });
});

test('files that an interrupted upload has left are removed after a day, and no others', async () => {
  const { id } = await uploaded({ device_type: newType() });
  const store = createFileBlobStore({ folder: join(folder, 'blobs') });
  async function* bytes() {
    yield Buffer.from('left');
  }
  const at = h.clock.now().toString(16).padStart(12, '0');
  const left = `${at.slice(0, 8)}-${at.slice(8)}-7000-8000-000000000000`;
  await store.write(left, bytes());
  const sweep = () => module.jobs[0]?.run({} as never, { signal: soon() } as never);
  await sweep();
  expect(await store.sizeOf(left)).toBe(4);
  h.clock.advance(25 * 3_600_000);
  expect(await sweep()).toEqual({ removed: 1 });
  expect(await store.sizeOf(left)).toBeNull();
  expect((await app.request({ url: `/api/v1/firmware/${id}`, as: h.actors.ADMIN })).status).toBe(200);
});
