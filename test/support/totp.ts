import { codeAt } from '#modules/auth/two-factor/totp.ts';

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const STEP_MS = 30_000;

/** The code that an app with this secret (base32) shows. @param now epoch milliseconds */
export function codeOf(secret: string, now: number, stepsAway = 0): string {
  const bits = [...secret].map((each) => BASE32.indexOf(each).toString(2).padStart(5, '0')).join('');
  const bytes = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
  return codeAt(bytes, Math.floor(now / STEP_MS) + stepsAway);
}
