import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createSigningKeys } from './signing-keys.ts';

let parent: string;
let folder: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'keys-'));
  folder = join(parent, 'data', 'keys');
});
afterEach(() => rm(parent, { recursive: true, force: true }));

const signal = () => AbortSignal.timeout(5000);
async function started() {
  const keys = createSigningKeys({ folder });
  await keys.start?.(signal());
  return keys;
}

describe('signing keys', () => {
  test('the first start makes one that only the owner can read; the next finds it', async () => {
    const first = await started();
    expect(await readdir(folder)).toEqual(['ed25519-0001.pem']);
    expect((await stat(join(folder, 'ed25519-0001.pem'))).mode & 0o777).toBe(0o600);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect((await started()).jwks()).toEqual(first.jwks());
    expect(first.jwks().keys).toEqual([
      {
        kty: 'OKP',
        crv: 'Ed25519',
        x: expect.stringMatching(/^[\w-]{43}$/),
        kid: expect.stringMatching(/^[\w-]{43}$/),
        use: 'sig',
        alg: 'EdDSA',
      },
    ]);
  });

  test('processes that start together agree on one key', async () => {
    const all = await Promise.all([started(), started(), started(), started()]);
    expect(new Set(all.map((keys) => keys.all()[0]?.kid)).size).toBe(1);
    expect(await readdir(folder)).toHaveLength(1);
  });

  test('the last name signs, older ones stay known', async () => {
    const [old] = (await started()).all();
    const { privateKey } = generateKeyPairSync('ed25519');
    await writeFile(join(folder, 'ed25519-0002.pem'), privateKey.export({ format: 'pem', type: 'pkcs8' }));
    const rotated = (await started()).all();
    expect(rotated).toHaveLength(2);
    expect(rotated[0]?.kid).toBe(old?.kid);
  });

  test('kid is the RFC 7638 thumbprint (example of RFC 8037, appendix A.3)', async () => {
    await started();
    const pkcs8 = Buffer.concat([
      Buffer.from('302e020100300506032b657004220420', 'hex'),
      Buffer.from('nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A', 'base64url'),
    ]);
    await writeFile(
      join(folder, 'ed25519-0002.pem'),
      `-----BEGIN PRIVATE KEY-----\n${pkcs8.toString('base64')}\n-----END PRIVATE KEY-----\n`,
    );
    expect((await started()).jwks().keys[1]).toMatchObject({
      x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
      kid: 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
    });
  });

  test('what is not an Ed25519 key stops the start with the name of the file', async () => {
    await started();
    const wrong = join(folder, 'wrong.pem');
    await writeFile(wrong, 'nonsense');
    await expect(started()).rejects.toMatchObject({
      kind: 'unavailable',
      message: expect.stringContaining('wrong.pem'),
    });
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    await writeFile(wrong, privateKey.export({ format: 'pem', type: 'pkcs8' }));
    await expect(started()).rejects.toMatchObject({ message: expect.stringContaining('not an Ed25519 key') });
  });

  test('a folder that cannot be made is one clear error', async () => {
    await writeFile(join(parent, 'data'), '');
    await expect(started()).rejects.toMatchObject({ kind: 'unavailable', message: expect.stringContaining(folder) });
  });
});
