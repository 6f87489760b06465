import { type Argon2Parameters, argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
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

const derive = promisify(argon2);

export interface PasswordHasherOptions {
  /** For tests: how many may wait for a thread. */
  readonly maxWaiting?: number;
}

/**
 * Passwords as argon2id in PHC string format: `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>`
 * (https://github.com/P-H-C/phc-string-format). At most two are computed at once, so that a flood of logins
 * takes neither every thread of the process nor its memory; those behind wait in turn, and beyond a bound
 * are refused.
 */
export function createPasswordHasher({ maxWaiting = MAX_WAITING }: PasswordHasherOptions = {}): PasswordHasher {
  const waiting: (() => void)[] = [];
  let running = 0;
  const nobodysHash = toPhc({ ...COST, nonce: randomBytes(SALT_BYTES) }, randomBytes(TAG_BYTES));

  async function inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (running === CONCURRENCY) {
      if (waiting.length >= maxWaiting) {
        throw userErrors.password_checks_busy({ details: { retryAfterSeconds: 2 } });
      }
      // Whoever is done hands its place over, so `running` stays as it is.
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else {
      running += 1;
    }
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  }

  return {
    async hash(password) {
      const parameters = { ...COST, nonce: randomBytes(SALT_BYTES) };
      const tag = await inTurn(() => derive('argon2id', { ...parameters, message: password, tagLength: TAG_BYTES }));
      return toPhc(parameters, tag);
    },
    async verify(password, hashed) {
      const { tag, ...parameters } = fromPhc(hashed ?? nobodysHash);
      const computed = await inTurn(() =>
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
