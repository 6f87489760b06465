import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createReadableCode, hashRecoveryCode } from './recovery-codes.ts';
import { codeAt, createTotpSecret, otpauthUrl, stepOf, toBase32 } from './totp.ts';

/** RFC 6238 appendix B, SHA-1, and RFC 4226 appendix D. */
const RFC_SECRET = Buffer.from('12345678901234567890');

describe('codes', () => {
  test.each([
    [59, '94287082'],
    [1_111_111_109, '07081804'],
    [1_111_111_111, '14050471'],
    [1_234_567_890, '89005924'],
    [2_000_000_000, '69279037'],
    [20_000_000_000, '65353130'],
  ])('at %i s: %s', (seconds, code) => {
    expect(codeAt(RFC_SECRET, Math.floor(seconds / 30), 8)).toBe(code);
    expect(stepOf(RFC_SECRET, code.slice(2), seconds * 1000)).toBe(Math.floor(seconds / 30));
  });

  test('of the first ten counters', () => {
    const codes = '755224 287082 359152 969429 338314 254676 287922 162583 399871 520489'.split(' ');
    expect(codes.map((_, counter) => codeAt(RFC_SECRET, counter))).toEqual(codes);
  });

  test('are good one step early and one step late, and no further', () => {
    fc.assert(
      fc.property(fc.integer({ min: 10, max: 1_000_000_000 }), (step) => {
        const secret = createTotpSecret();
        const code = codeAt(secret, step);
        for (const off of [-1, 0, 1]) expect(stepOf(secret, code, (step + off) * 30_000)).not.toBeNull();
        const far = [step - 2, step + 2].map((each) => stepOf(secret, code, each * 30_000 + 29_999));
        // One in a million is another step's code as well.
        for (const found of far) expect(found === null || codeAt(secret, found) === code).toBe(true);
        expect(stepOf(secret, code, (step + 2) * 30_000)).not.toBe(step);
      }),
    );
  });

  test('are six digits, nothing else', () => {
    for (const code of ['', '94287082', ' 287082', '28708', 'abcdef'])
      expect(stepOf(RFC_SECRET, code, 59_000)).toBeNull();
  });
});

describe('what an app reads', () => {
  test.each([
    ['', ''],
    ['f', 'MY'],
    ['fo', 'MZXQ'],
    ['foo', 'MZXW6'],
    ['foob', 'MZXW6YQ'],
    ['fooba', 'MZXW6YTB'],
    ['foobar', 'MZXW6YTBOI'],
  ])('RFC 4648: %j is %s', (text, encoded) => {
    expect(toBase32(Buffer.from(text))).toBe(encoded);
  });

  test('the address has secret, account and issuer', () => {
    const url = new URL(otpauthUrl(RFC_SECRET, 'kim+a@example.com', 'core-api'));
    expect([url.protocol, url.host, url.pathname]).toEqual(['otpauth:', 'totp', '/core-api:kim%2Ba%40example.com']);
    expect(Object.fromEntries(url.searchParams)).toEqual({
      secret: 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ',
      issuer: 'core-api',
      algorithm: 'SHA1',
      digits: '6',
      period: '30',
    });
  });
});

describe('recovery codes', () => {
  test('are 80 bits, and good however they are typed', () => {
    const code = createReadableCode();
    expect(code).toMatch(/^([A-Z2-7]{4}-){3}[A-Z2-7]{4}$/);
    for (const typed of [code.toLowerCase(), code.replaceAll('-', ''), ` ${code.replaceAll('-', ' ')} `]) {
      expect(hashRecoveryCode(typed)).toBe(hashRecoveryCode(code));
    }
    expect(new Set(Array.from({ length: 100 }, () => createReadableCode())).size).toBe(100);
  });
});
