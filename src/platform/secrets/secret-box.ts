import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createKeyFile } from '#kernel/key-file.ts';
import { type SecretBox, secretErrors } from './secret-box.port.ts';

const KEY_FILE = /^config-.*\.key$/;
const FIRST_KEY = 'config-0001.key';
const KEY_BYTES = 32;
/** NIST SP 800-38D, 5.2.1.1: 96 bits are the length that GCM is made for. */
const IV_BYTES = 12;
const VERSION = 'v1';

interface Key {
  /** Names the key in what it sealed, and says nothing about it. */
  readonly id: string;
  readonly bytes: Buffer;
}

/**
 * AES-256-GCM. Keys are files `config-*.key` in the folder of the signing keys, each 32 random bytes as base64: the
 * last by name seals, all open. Sealed text: `v1.<id of the key>.<iv>.<ciphertext with tag>`, base64url.
 *
 * A key that is not known is looked for in the folder once more, so that a replica learns of a new one without a
 * restart. The first key is made with the first secret, not at the start: a folder may be mounted read-only.
 */
export function createSecretBox({ folder }: { readonly folder: string }): SecretBox {
  let keys: readonly Key[] = [];

  async function load(): Promise<void> {
    try {
      const names = (await readdir(folder)).filter((name) => KEY_FILE.test(name)).sort();
      keys = await Promise.all(names.map(async (name) => toKey(name, await readFile(join(folder, name), 'utf8'))));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') keys = [];
      else throw away(folder, error);
    }
  }

  async function newest(): Promise<Key> {
    if (keys.length === 0) await load();
    if (keys.length === 0) {
      await createKeyFile(folder, FIRST_KEY, `${randomBytes(KEY_BYTES).toString('base64')}\n`).catch(
        (error: unknown) => {
          throw away(folder, error);
        },
      );
      await load();
    }
    const key = keys.at(-1);
    if (key === undefined) throw away(folder);
    return key;
  }

  async function byId(id: string): Promise<Key> {
    const find = () => keys.find((key) => key.id === id);
    if (find() === undefined) await load();
    const key = find();
    if (key === undefined) throw away(folder);
    return key;
  }

  return {
    load,
    async seal(text, context) {
      const { id, bytes } = await newest();
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv('aes-256-gcm', bytes, iv).setAAD(Buffer.from(context));
      const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
      return [VERSION, id, iv.toString('base64url'), sealed.toString('base64url')].join('.');
    },
    async open(text, context) {
      const [version, id = '', iv = '', sealed = ''] = text.split('.');
      if (version !== VERSION) throw away(folder);
      const { bytes } = await byId(id);
      const whole = Buffer.from(sealed, 'base64url');
      try {
        const decipher = createDecipheriv('aes-256-gcm', bytes, Buffer.from(iv, 'base64url'), { authTagLength: 16 });
        decipher.setAAD(Buffer.from(context)).setAuthTag(whole.subarray(-16));
        return Buffer.concat([decipher.update(whole.subarray(0, -16)), decipher.final()]).toString('utf8');
      } catch (error) {
        throw secretErrors.config_key_away({ detail: 'A secret value was changed or cut short.', cause: error });
      }
    },
    isCurrent: (sealed) => sealed.split('.')[1] === keys.at(-1)?.id,
  };
}

function toKey(name: string, text: string): Key {
  const bytes = Buffer.from(text.trim(), 'base64');
  if (bytes.length !== KEY_BYTES) throw new Error(`${name} does not hold ${KEY_BYTES} bytes as base64`);
  return { id: createHash('sha256').update(bytes).digest('hex').slice(0, 16), bytes };
}

function away(folder: string, cause?: unknown) {
  const reason = cause instanceof Error ? `: ${cause.message}` : '';
  return secretErrors.config_key_away({ cause: new Error(`no usable key in ${folder}${reason}`, { cause }) });
}
