import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import type { SigningKeys } from '../signing-keys.ts';
import type { Ticket, TicketSeal } from './oauth.ports.ts';

const ALGORITHM = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;
const PURPOSE = 'core-api oauth ticket';

/**
 * Tickets encrypted and authenticated with AES-256-GCM, as `base64url(iv | tag | text)`. The key is derived (HKDF,
 * RFC 5869) from the signing keys, which all processes share: the newest seals, each opens.
 */
export function createTicketSeal({ keys }: { readonly keys: Pick<SigningKeys, 'all'> }): TicketSeal {
  const secrets = () =>
    keys.all().map(({ privateKey }) => {
      const material = privateKey.export({ format: 'der', type: 'pkcs8' });
      return Buffer.from(hkdfSync('sha256', material, '', PURPOSE, 32));
    });

  return {
    seal(ticket) {
      const secret = secrets().at(-1);
      if (secret === undefined) throw new Error('there is no signing key');
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv(ALGORITHM, secret, iv);
      const text = Buffer.concat([cipher.update(JSON.stringify(ticket), 'utf8'), cipher.final()]);
      return Buffer.concat([iv, cipher.getAuthTag(), text]).toString('base64url');
    },
    open(sealed) {
      const bytes = Buffer.from(sealed, 'base64url');
      if (bytes.length <= IV_BYTES + TAG_BYTES) return null;
      for (const secret of secrets()) {
        const text = decrypt(bytes, secret);
        if (text !== null) return JSON.parse(text) as Ticket;
      }
      return null;
    },
  };
}

function decrypt(bytes: Buffer, secret: Buffer): string | null {
  const decipher = createDecipheriv(ALGORITHM, secret, bytes.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
  const text = decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES));
  try {
    return Buffer.concat([text, decipher.final()]).toString('utf8');
  } catch {
    return null;
  }
}
