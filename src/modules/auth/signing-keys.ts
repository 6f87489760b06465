import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, commonErrors } from '#kernel/errors.ts';
import { createFolder } from '#kernel/folders.ts';
import { createKeyFile } from '#kernel/key-file.ts';
import type { Component } from '#kernel/lifecycle.ts';
import type { Jwk, Jwks } from './auth.ports.ts';

export interface SigningKey {
  /** RFC 7638 thumbprint of the public key. */
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly jwk: Jwk;
}

export interface SigningKeys extends Component {
  /** Every key, the newest last: it signs, all verify. Throws before `start`. */
  all(): readonly SigningKey[];
  jwks(): Jwks;
}

const FIRST_KEY = 'ed25519-0001.pem';

/**
 * Ed25519 keys as PEM files (PKCS #8) in a folder. The first start makes one, readable by the owner only.
 * To rotate: add a file whose name sorts behind the others and restart; remove the old one when its tokens
 * have expired.
 */
export function createSigningKeys({ folder }: { readonly folder: string }): SigningKeys {
  let keys: readonly SigningKey[] | undefined;

  async function load(): Promise<SigningKey[]> {
    const files = (await readdir(folder)).filter((name) => name.endsWith('.pem')).sort();
    return Promise.all(files.map(async (name) => toSigningKey(join(folder, name), await readFile(join(folder, name)))));
  }

  function all(): readonly SigningKey[] {
    if (keys === undefined) throw new Error('the signing keys have not been loaded');
    return keys;
  }

  return {
    name: 'signing-keys',
    async start() {
      try {
        createFolder(folder);
        let found = await load();
        if (found.length === 0) {
          const { privateKey } = generateKeyPairSync('ed25519');
          await createKeyFile(folder, FIRST_KEY, privateKey.export({ format: 'pem', type: 'pkcs8' }));
          found = await load();
        }
        keys = found;
      } catch (error) {
        if (error instanceof AppError) throw error;
        const reason = error instanceof Error ? error.message : String(error);
        throw commonErrors.unavailable({
          detail: `The signing keys in ${folder} cannot be used: ${reason}`,
          cause: error,
        });
      }
    },
    all,
    jwks: () => ({ keys: all().map(({ jwk }) => jwk) }),
  };
}

function toSigningKey(path: string, pem: Buffer): SigningKey {
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey(pem);
  } catch (error) {
    throw commonErrors.unavailable({ detail: `${path} is not a private key in PEM format.`, cause: error });
  }
  const publicKey = createPublicKey(privateKey);
  const { x } = publicKey.export({ format: 'jwk' });
  if (privateKey.asymmetricKeyType !== 'ed25519' || x === undefined) {
    throw commonErrors.unavailable({ detail: `${path} is not an Ed25519 key.` });
  }
  const kid = createHash('sha256').update(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`).digest('base64url');
  return { kid, privateKey, publicKey, jwk: { kty: 'OKP', crv: 'Ed25519', x, kid, use: 'sig', alg: 'EdDSA' } };
}
