import { createHmac, generateKeyPairSync, randomBytes, timingSafeEqual } from 'node:crypto';
import { readKeyFile } from '#kernel/key-file.ts';
import type { Component } from '#kernel/lifecycle.ts';
import type { Manifest } from './firmware.manifest.ts';
import { type PublicKey, publicKeyOf, signManifest } from './firmware.signatures.ts';

const SIGNING_KEY = 'firmware-ed25519.key';
const LINK_KEY = 'firmware-links.key';
const LINK_KEY_BYTES = 32;

/** The installation's own keys, made at its first start, in files that only their owner reads. */
export interface InstallationKeys extends Component {
  /** Throws before `start`, as all of these do. */
  publicKey(): PublicKey;
  /** @returns base64 */
  sign(manifest: Manifest): string;
  /** For links. @returns hex */
  seal(text: string): string;
  isSealed(text: string, seal: string): boolean;
}

export function createInstallationKeys(folder: string): InstallationKeys {
  let keys: { readonly signing: Buffer; readonly link: Buffer; readonly publicKey: PublicKey } | undefined;

  function loaded() {
    if (keys === undefined) throw new Error('the keys for firmware have not been loaded');
    return keys;
  }

  const seal = (text: string) => createHmac('sha256', loaded().link).update(text).digest('hex');
  return {
    name: 'firmware keys',
    async start() {
      const signing = await readKeyFile(folder, SIGNING_KEY, () =>
        generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }),
      );
      keys = {
        signing,
        link: await readKeyFile(folder, LINK_KEY, () => randomBytes(LINK_KEY_BYTES)),
        publicKey: publicKeyOf(signing),
      };
    },
    publicKey: () => loaded().publicKey,
    sign: (manifest) => signManifest(manifest, loaded().signing),
    seal,
    isSealed(text, given) {
      const expected = Buffer.from(seal(text));
      const presented = Buffer.from(given);
      return presented.length === expected.length && timingSafeEqual(presented, expected);
    },
  };
}
