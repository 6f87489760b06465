import { createHmac, randomBytes } from 'node:crypto';

/** As every authenticator app expects it when nothing else is said: HMAC-SHA-1, six digits, 30 seconds. */
const STEP_MS = 30_000;
const DIGITS = 6;
/** RFC 4226 section 4: 160 bits. */
const SECRET_BYTES = 20;
/** RFC 6238 section 5.2: a clock that is off, a code that was typed slowly. */
const STEPS_OFF = 1;
/** RFC 4648 */
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

export function createTotpSecret(): Buffer {
  return randomBytes(SECRET_BYTES);
}

/** The code of a time step (RFC 6238, RFC 4226 section 5.3). */
export function codeAt(secret: Buffer, step: number, digits = DIGITS): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac('sha1', secret).update(counter).digest();
  const binary = mac.readUInt32BE(mac.readUInt8(mac.length - 1) & 0xf) & 0x7f_ff_ff_ff;
  return String(binary % 10 ** digits).padStart(digits, '0');
}

/** The time step that a code is of, among those around `now` (epoch ms); null: none. */
export function stepOf(secret: Buffer, code: string, now: number): number | null {
  const current = Math.floor(now / STEP_MS);
  for (let step = current - STEPS_OFF; step <= current + STEPS_OFF; step += 1) {
    if (codeAt(secret, step) === code) return step;
  }
  return null;
}

/** Without padding. */
export function toBase32(bytes: Buffer): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{1,5}/g) ?? []).map((five) => BASE32[Number.parseInt(five.padEnd(5, '0'), 2)]).join('');
}

/** What an app reads as a QR code (https://github.com/google/google-authenticator/wiki/Key-Uri-Format). */
export function otpauthUrl(secret: Buffer, account: string, issuer: string): string {
  const label = `${encodeURIComponent(issuer)}:${encodeURIComponent(account)}`;
  const query = new URLSearchParams({
    secret: toBase32(secret),
    issuer,
    algorithm: 'SHA1',
    digits: String(DIGITS),
    period: String(STEP_MS / 1000),
  });
  return `otpauth://totp/${label}?${query.toString().replaceAll('+', '%20')}`;
}
