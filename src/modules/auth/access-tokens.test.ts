import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { createDecoder } from 'fast-jwt';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestClock } from '#test/support/clock.ts';
import { createAccessTokens } from './access-tokens.ts';
import { createSigningKeys, type SigningKeys } from './signing-keys.ts';

const LIFETIME = 1800;
let folder: string;
let keys: SigningKeys;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tokens-'));
  keys = createSigningKeys({ folder });
  await keys.start?.(AbortSignal.timeout(5000));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function setup() {
  const clock = createTestClock(Date.UTC(2026, 10, 23) + 123);
  return { clock, tokens: createAccessTokens({ keys, clock, lifetime: LIFETIME }) };
}
const refused = expect.objectContaining({ kind: 'unauthenticated', code: 'authentication_required' });
const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const decode = createDecoder({ complete: true });

describe('access tokens', () => {
  test('carry exactly sub, role, iat, exp, jti, iat_ms, sid, and the key’s id', () => {
    const { clock, tokens } = setup();
    const { header, payload } = decode(
      tokens.issue({ userId: 7, role: 'MANAGER', issuedAt: clock.now(), sessionId: 's' }),
    );
    expect(header).toEqual({ alg: 'EdDSA', typ: 'JWT', kid: keys.all()[0]?.kid });
    expect(payload).toEqual({
      sub: '7',
      role: 'MANAGER',
      iat: Math.floor(clock.now() / 1000),
      exp: Math.ceil(clock.now() / 1000) + LIFETIME,
      iat_ms: clock.now(),
      sid: 's',
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
  });

  test('have whole seconds, and none ahead of the clock, whenever they count as issued', () => {
    const { clock, tokens } = setup();
    // Sessions that were ended while the clock was ahead, or twice in a millisecond, are followed by such ones.
    for (const ahead of [-5_000, 0, 1, 877, 1_000, 86_400_000]) {
      const issuedAt = clock.now() + ahead;
      const token = tokens.issue({ userId: 7, role: 'USER', issuedAt, sessionId: 's' });
      const { iat, exp } = decode(token).payload;
      expect([iat, exp].every(Number.isInteger)).toBe(true);
      expect(iat * 1000).toBeLessThanOrEqual(clock.now());
      expect(exp * 1000).toBeGreaterThanOrEqual(clock.now() + LIFETIME * 1000);
      expect(tokens.verify(token).issuedAt).toBe(issuedAt);
    }
  });

  test('keep the millisecond', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 8_000_000_000_000 }), (issuedAt) => {
        const clock = createTestClock(issuedAt);
        const tokens = createAccessTokens({ keys, clock, lifetime: LIFETIME });
        expect(tokens.verify(tokens.issue({ userId: 1, role: 'USER', issuedAt, sessionId: 's' }))).toMatchObject({
          userId: 1,
          issuedAt,
        });
      }),
      { numRuns: 50 },
    );
  });

  test('expire, also when they were seen before', () => {
    const { clock, tokens } = setup();
    const token = tokens.issue({ userId: 7, role: 'USER', issuedAt: clock.now(), sessionId: 's' });
    const { expiresAt } = tokens.verify(token);
    clock.advance(expiresAt - clock.now() - 1);
    expect(tokens.verify(token).userId).toBe(7);
    clock.advance(1);
    expect(() => tokens.verify(token)).toThrow(refused);
    const fresh = createAccessTokens({ keys, clock, lifetime: LIFETIME });
    expect(() => fresh.verify(token)).toThrow(refused);
  });

  test('of an older key are still good, of a removed one not', async () => {
    const { clock, tokens } = setup();
    const token = tokens.issue({ userId: 7, role: 'USER', issuedAt: clock.now(), sessionId: 's' });
    const rotatedFolder = await mkdtemp(join(tmpdir(), 'tokens-'));
    try {
      const old = keys.all()[0]?.privateKey.export({ format: 'pem', type: 'pkcs8' }) ?? '';
      const next = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' });
      await writeFile(join(rotatedFolder, '1.pem'), old);
      await writeFile(join(rotatedFolder, '2.pem'), next);
      const rotated = createSigningKeys({ folder: rotatedFolder });
      await rotated.start?.(AbortSignal.timeout(5000));
      const both = createAccessTokens({ keys: rotated, clock, lifetime: LIFETIME });
      expect(both.verify(token).userId).toBe(7);
      const newer = both.issue({ userId: 8, role: 'USER', issuedAt: clock.now(), sessionId: 's' });
      expect(decode(newer).header.kid).toBe(rotated.all()[1]?.kid);
      expect(() => tokens.verify(newer)).toThrow(refused);
    } finally {
      await rm(rotatedFolder, { recursive: true, force: true });
    }
  });

  test('that were forged are refused', () => {
    const { clock, tokens } = setup();
    const good = tokens.issue({ userId: 7, role: 'USER', issuedAt: clock.now(), sessionId: 's' });
    tokens.verify(good);
    const [header = '', payload = '', signature = ''] = good.split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
    const kid = keys.all()[0]?.kid;
    const other = generateKeyPairSync('ed25519').privateKey;
    const signed = (input: string) => `${input}.${sign(null, Buffer.from(input), other).toString('base64url')}`;
    const forged = [
      '',
      '.',
      '..',
      'a.b.c',
      header,
      `${header}.${payload}`,
      `${header}.${payload}.`,
      `${header}.${encode({ ...claims, sub: '1' })}.${signature}`,
      `${header}.${payload}.${signature.slice(0, -4)}AAAA`,
      `${good}.x`,
      ` ${good}`,
      signed(`${header}.${payload}`),
      signed(`${encode({ alg: 'EdDSA', typ: 'JWT', kid: 'other' })}.${payload}`),
      `${encode({ alg: 'none', typ: 'JWT', kid })}.${payload}.`,
      `${encode({ alg: 'HS256', typ: 'JWT', kid })}.${payload}.${signature}`,
    ];
    for (const token of forged) expect(() => tokens.verify(token), token).toThrow(refused);
  });

  test('whatever arrives, the answer is a refusal', () => {
    const { tokens } = setup();
    const header = encode({ alg: 'EdDSA', typ: 'JWT', kid: keys.all()[0]?.kid });
    fc.assert(
      fc.property(fc.string(), fc.boolean(), (rest, withHeader) => {
        expect(() => tokens.verify(withHeader ? `${header}.${rest}` : rest)).toThrow(refused);
      }),
    );
  });

  test('with claims of a wrong kind are refused even when the signature is right', () => {
    const { clock, tokens } = setup();
    const key = keys.all()[0];
    if (key === undefined) throw new Error('no key');
    const iat = Math.floor(clock.now() / 1000);
    const base = { sub: '7', role: 'USER', iat, exp: iat + 60, jti: 'x', iat_ms: clock.now() };
    for (const change of [
      { sub: 'x' },
      { iat_ms: undefined },
      { iat_ms: 'now' },
      { iat_ms: 0.5 },
      { exp: undefined },
      { exp: null },
      { exp: '9999999999' },
    ]) {
      const input = `${encode({ alg: 'EdDSA', typ: 'JWT', kid: key.kid })}.${encode({ ...base, ...change })}`;
      const token = `${input}.${sign(null, Buffer.from(input), key.privateKey).toString('base64url')}`;
      expect(() => tokens.verify(token), JSON.stringify(change)).toThrow(refused);
    }
  });
});
