import { randomBytes } from 'node:crypto';
import { hashSecret } from '#kernel/ids.ts';
import { toBase32 } from './totp.ts';

export const RECOVERY_CODES = 10;
/** 80 bits: out of reach of guesses, so a plain hash is enough to store. */
const CODE_BYTES = 10;

/** `ABCD-EFGH-IJKL-MNOP` */
export function createReadableCode(bytes: Buffer = randomBytes(CODE_BYTES)): string {
  return (toBase32(bytes).match(/.{4}/g) ?? []).join('-');
}

/** However it was typed: with or without hyphens and spaces, in capitals or not. */
export function plainCode(typed: string): string {
  return typed.replaceAll(/[-\s]/g, '').toUpperCase();
}

export function hashRecoveryCode(typed: string): string {
  return hashSecret(plainCode(typed));
}
