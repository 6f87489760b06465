import { type Argon2Parameters, argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { addressBlock } from '#kernel/addresses.ts';
import { createFairQueue } from './fair-queue.ts';
import { userErrors } from './users.errors.ts';
import type { PasswordHasher } from './users.ports.ts';

/** https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html: 19 MiB, 2 passes, 1 lane. */
const COST = { memory: 19_456, passes: 2, parallelism: 1 } as const;
const SALT_BYTES = 16;
const TAG_BYTES = 32;

/** libuv has four threads; file and DNS work of everyone else needs the others. */
const CONCURRENCY = 2;
/** About two seconds of work on the machine that this was measured on. */
const MAX_WAITING = 100;
/** One address cannot fill the queue for all others. */
const MAX_WAITING_OF_ONE = 20;

const derive = promisify(argon2);

export interface PasswordHasherOptions {
  /** For tests: how many may wait for a thread. */
  readonly maxWaiting?: number;
}

/**
 * Passwords as argon2id in PHC string format: `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>`
 * (https://github.com/P-H-C/phc-string-format). At most two are computed at once, so that a flood of logins
 * takes neither every thread of the process nor its memory. Clients that wait take turns; beyond a bound for each,
 * and one for all, they are refused.
 */
export function createPasswordHasher({ maxWaiting = MAX_WAITING }: PasswordHasherOptions = {}): PasswordHasher {
  const queue = createFairQueue({
    concurrency: CONCURRENCY,
    maxWaiting,
    maxWaitingOfOne: Math.min(MAX_WAITING_OF_ONE, maxWaiting),
    refusal: () => userErrors.password_checks_busy({ details: { retryAfterSeconds: 2 } }),
  });
  const nobodysHash = toPhc({ ...COST, nonce: randomBytes(SALT_BYTES) }, randomBytes(TAG_BYTES));

  return {
    async hash(password, client = '') {
      const parameters = { ...COST, nonce: randomBytes(SALT_BYTES) };
      const tag = await queue.run(addressBlock(client), () =>
        derive('argon2id', { ...parameters, message: password, tagLength: TAG_BYTES }),
      );
      return toPhc(parameters, tag);
    },
    async verify(password, hashed, client = '') {
      const { tag, ...parameters } = fromPhc(hashed ?? nobodysHash);
      const computed = await queue.run(addressBlock(client), () =>
        derive('argon2id', { ...parameters, message: password, tagLength: tag.length }),
      );
      return timingSafeEqual(computed, tag) && hashed !== null;
    },
  };
}

type Parameters = Pick<Argon2Parameters, 'memory' | 'passes' | 'parallelism'> & { readonly nonce: Buffer };

const PHC = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

function toPhc({ memory, passes, parallelism, nonce }: Parameters, tag: Buffer): string {
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${unpadded(nonce)}$${unpadded(tag)}`;
}

function fromPhc(hashed: string): Parameters & { readonly tag: Buffer } {
  const [, memory, passes, parallelism, nonce, tag] = PHC.exec(hashed) ?? [];
  if (nonce === undefined || tag === undefined) throw new Error('a stored password hash is not argon2id in PHC format');
  return {
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    nonce: Buffer.from(nonce, 'base64'),
    tag: Buffer.from(tag, 'base64'),
  };
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
