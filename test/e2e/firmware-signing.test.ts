import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { signInAsSuperuser } from '../support/api-client.ts';
import { temporaryFolder } from '../support/folders.ts';
import { runCore, startServer } from '../support/server-process.ts';

/* Signing on a machine that is not the server, and a server that takes nothing else. */

const folder = temporaryFolder();
const file = (name: string) => join(folder.path, name);
const IMAGE = randomBytes(10_000);
const FIELDS = ['--device-type', 'sensor', '--version', '1.5.0', '--sequence', '12'];
// Whoever signs has no server, and no folder of one.
const nowhere = { DATA_DIR: file('no-server') };

const core = (...args: readonly string[]) => runCore(['firmware', ...args], nowhere);
async function refusal(...args: readonly string[]): Promise<string> {
  const error = await core(...args).then(
    () => null,
    (reason: { readonly code: number; readonly stderr: string }) => reason,
  );
  expect(error?.code).toBe(1);
  return error?.stderr ?? '';
}

let publicKey: string;
// biome-ignore lint/suspicious/noExplicitAny: what the command prints
let signed: any;
beforeAll(async () => {
  await writeFile(file('image.bin'), IMAGE);
  await writeFile(file('other.bin'), randomBytes(10_000));
  const said = await core('keygen', '--out', file('release.key'));
  publicKey = /public_key +(\S+)/.exec(said)?.[1] ?? '';
  signed = JSON.parse(await core('sign', '--key', file('release.key'), ...FIELDS, file('image.bin')));
});
afterAll(() => folder.remove());

describe('core firmware', () => {
  test('keygen writes a key that only its owner reads, and overwrites none', async () => {
    const pem = await readFile(file('release.key'), 'utf8');
    expect(pem).toContain('BEGIN PRIVATE KEY');
    expect((await stat(file('release.key'))).mode & 0o777).toBe(0o600);
    expect(Buffer.from(publicKey, 'base64')).toHaveLength(32);
    expect(await refusal('keygen', '--out', file('release.key'))).toContain('release.key');
    expect(await readFile(file('release.key'), 'utf8')).toBe(pem);
  });

  test('verify knows what sign has signed, and nothing else', async () => {
    const { signature, ...manifest } = signed;
    expect(manifest).toMatchObject({ device_type: 'sensor', version: '1.5.0', sequence: 12, size: IMAGE.length });
    const given = ['--public-key', publicKey, '--signature', signature];
    expect(await core('verify', ...given, ...FIELDS, file('image.bin'))).toContain(manifest.key_id);
    expect(await refusal('verify', ...given, ...FIELDS, file('other.bin'))).toContain('does not fit');
    const older = FIELDS.with(-1, '11');
    expect(await refusal('verify', ...given, ...older, file('image.bin'))).toContain('does not fit');
    const dated = [...FIELDS, '--not-after', '2027-01-01T00:00:00Z'];
    expect(await refusal('verify', ...given, ...dated, file('image.bin'))).toContain('does not fit');
    await core('keygen', '--out', file('stranger.key'));
    const stranger = JSON.parse(await core('sign', '--key', file('stranger.key'), ...FIELDS, file('image.bin')));
    const forged = ['--public-key', publicKey, '--signature', stranger.signature];
    expect(await refusal('verify', ...forged, ...FIELDS, file('image.bin'))).toContain('does not fit');
  });

  test('says what is missing', async () => {
    expect(await refusal('sign', '--key', file('release.key'), '--version', '1', file('image.bin'))).toContain(
      '--sequence',
    );
    expect(await refusal('sign', ...FIELDS, file('image.bin'))).toContain('--key is missing');
    expect(await refusal('sign', ...FIELDS)).toContain('which image');
    expect(await refusal('burn', file('image.bin'))).toContain('Say keygen, sign or verify');
    const odd = FIELDS.with(-1, 'twelve');
    expect(await refusal('sign', '--key', file('release.key'), ...odd, file('image.bin'))).toContain('whole number');
    expect(existsSync(nowhere.DATA_DIR)).toBe(false);
  });
});

test('FIRMWARE_REQUIRE_SIGNATURE=true takes what a registered key has signed, and nothing else', async () => {
  const settings = { DATA_DIR: file('data'), FIRMWARE_REQUIRE_SIGNATURE: 'true' };
  const server = await startServer(settings);
  try {
    const { token, call } = await signInAsSuperuser(server, settings);
    const upload = async (query: Readonly<Record<string, string | number>>, image: Buffer) => {
      const search = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]));
      const answer = await fetch(`${server.httpUrl}/api/v1/firmware?${search}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' },
        body: new Uint8Array(image),
      });
      return [answer.status, (await answer.json()) as Record<string, unknown>] as const;
    };
    const { device_type, version, sequence, signature, key_id } = signed;
    const query = { device_type, version, sequence, signature, key_id };
    const refused = async (given: Readonly<Record<string, string | number>>, image = IMAGE) => {
      const [status, { code }] = await upload(given, image);
      return [status, code];
    };
    expect(await refused({ device_type, version })).toEqual([403, 'firmware_signature_invalid']);
    expect(await refused(query)).toEqual([403, 'firmware_key_unknown']);
    await call('POST', '/api/v1/firmware-keys', { name: 'Release', public_key: publicKey });
    expect(await refused(query, await readFile(file('other.bin')))).toEqual([403, 'firmware_signature_invalid']);
    expect(await refused({ ...query, version: '1.5.1' })).toEqual([403, 'firmware_signature_invalid']);
    expect(await upload(query, IMAGE)).toEqual([
      201,
      expect.objectContaining({ sha256: signed.sha256, key_id, signature }),
    ]);
    expect(await refused({ ...query, version: '1.5.2' })).toEqual([409, 'firmware_sequence_old']);
    const { items } = await call('GET', '/api/v1/system/audit-logs?action=firmware.refused&size=100');
    expect(items.map(({ details }: { details: { reason: string } }) => details.reason).toSorted()).toEqual([
      'firmware_key_unknown',
      'firmware_sequence_old',
      'firmware_signature_invalid',
      'firmware_signature_invalid',
      'firmware_signature_invalid',
    ]);
  } finally {
    await server.end('SIGTERM');
  }
});
