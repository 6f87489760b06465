import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson as canonicalOf } from '#kernel/canonical-json.ts';
import type { Manifest } from './firmware.manifest.ts';
import { isSignedBy, publicKeyOf, readPublicKey, signManifest } from './firmware.signatures.ts';

const pem = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' });
const key = publicKeyOf(pem);

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 64 });
const count = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'));
const manifest: fc.Arbitrary<Manifest> = fc.record(
  {
    device_type: text,
    version: text,
    sequence: count,
    size: count,
    sha256: hash,
    not_after: fc
      .date({ noInvalidDate: true, min: new Date(0), max: new Date('9999-12-31') })
      .map((at) => at.toISOString()),
  },
  { requiredKeys: ['device_type', 'version', 'sequence', 'size', 'sha256'] },
) as fc.Arbitrary<Manifest>;

/** RFC 8785 for texts and whole numbers, written a second time: keys by their UTF-16 units, texts escaped as section 3.2.2.2 says. */
function reference(value: Manifest): string {
  const short: Readonly<Record<string, string>> = {
    ...{ '\b': '\\b', '\t': '\\t', '\n': '\\n', '\f': '\\f', '\r': '\\r', '"': '\\"', '\\': '\\\\' },
  };
  const quoted = (given: string) => {
    let out = '';
    for (let index = 0; index < given.length; index++) {
      const unit = given[index] as string;
      const code = unit.charCodeAt(0);
      out += short[unit] ?? (code < 0x20 ? `\\u${code.toString(16).padStart(4, '0')}` : unit);
    }
    return `"${out}"`;
  };
  const written = (each: string | number) => (typeof each === 'string' ? quoted(each) : String(each));
  const fields = Object.entries(value) as [string, string | number][];
  return `{${fields
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, each]) => `${quoted(name)}:${written(each)}`)
    .join(',')}}`;
}

describe('what is signed', () => {
  test('is the manifest in the canonical form of RFC 8785, in whatever order its fields come', () => {
    fc.assert(
      fc.property(manifest, (given) => {
        const canonical = canonicalOf(given);
        expect(canonical).toBe(reference(given));
        const turned = Object.fromEntries(Object.entries(given).toReversed()) as unknown as Manifest;
        expect(canonicalOf(turned)).toBe(canonical);
        expect(JSON.parse(canonical)).toEqual(given);
      }),
    );
    expect(canonicalOf({ version: 'é\u0007"', device_type: 'a', size: 1, sequence: 2, sha256: 'ff' })).toBe(
      '{"device_type":"a","sequence":2,"sha256":"ff","size":1,"version":"é\\u0007\\""}',
    );
  });

  test('counts to the last field: with any of them changed, added or left out, the signature is none', () => {
    const fields = ['device_type', 'version', 'sequence', 'size', 'sha256', 'not_after'] as const;
    fc.assert(
      fc.property(manifest, manifest, fc.constantFrom(...fields), (given, other, field) => {
        const signature = signManifest(given, pem);
        expect(isSignedBy(given, signature, key)).toBe(true);
        const { [field]: replaced, ...rest } = other;
        const changed = (replaced === undefined ? omit(given, field) : { ...given, [field]: replaced }) as Manifest;
        expect(rest).not.toHaveProperty(field);
        expect(isSignedBy(changed, signature, key)).toBe(changed[field] === given[field]);
      }),
    );
  });

  test('is of one key, and of all bits of its signature', () => {
    fc.assert(
      fc.property(manifest, fc.integer({ min: 0, max: 511 }), (given, bit) => {
        const bytes = Buffer.from(signManifest(given, pem), 'base64');
        bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
        expect(isSignedBy(given, bytes.toString('base64'), key)).toBe(false);
      }),
    );
    const stranger = generateKeyPairSync('ed25519').publicKey.export({ format: 'pem', type: 'spki' }).toString();
    const given = { device_type: 'a', version: '1', sequence: 1, size: 1, sha256: 'ff' };
    expect(isSignedBy(given, signManifest(given, pem), readPublicKey(stranger))).toBe(false);
    for (const odd of ['', '!', 'AAAA', signManifest(given, pem).slice(0, 40)]) {
      expect(isSignedBy(given, odd, key)).toBe(false);
    }
  });
});

function omit(given: Manifest, field: keyof Manifest): Partial<Manifest> {
  return Object.fromEntries(Object.entries(given).filter(([name]) => name !== field));
}
