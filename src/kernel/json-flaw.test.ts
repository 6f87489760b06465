import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nestsDeeperThan } from './json-depth.ts';
import { jsonFlaw } from './json-flaw.ts';

const WRAPPED: readonly ((text: string) => string)[] = [
  (text) => text,
  (text) => `[${text},{"b":${text}}]`,
  (text) => `{"a":[${text}],"__proto__":${text}}`,
];

test('agrees with the text: its length, its brackets, its keys', () => {
  const seen = new Set<string | undefined>();
  const wrapped = fc.constantFrom(...WRAPPED);
  const bytes = fc.integer({ min: 0, max: 60 });
  const depth = fc.integer({ min: 0, max: 4 });
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 3, noUnicodeString: false }), wrapped, bytes, depth, (inner, wrap, b, d) => {
      const text = wrap(JSON.stringify(inner));
      const flaws = {
        too_large: Buffer.byteLength(text) > b,
        too_deep: nestsDeeperThan(Buffer.from(text), d),
        key: text.includes('"__proto__":'),
      };
      const flaw = jsonFlaw(JSON.parse(text), { bytes: b, depth: d });
      seen.add(flaw?.kind);
      if (flaw === null) expect(Object.values(flaws)).not.toContain(true);
      else expect(flaws[flaw.kind]).toBe(true);
    }),
    { numRuns: 1_000 },
  );
  expect(seen).toEqual(new Set([undefined, 'too_large', 'too_deep', 'key']));
});

const LIMITS = { bytes: 40, depth: 2 };
test.each([
  ['{"a":{"b":1}}', null],
  ['{"a":[1,{}]}', { kind: 'too_deep', path: '/a/1' }],
  ['{"a":{"__proto__":1}}', { kind: 'key', path: '/a' }],
  ['{"__proto__":1}', { kind: 'key', path: '' }],
  [`"${'x'.repeat(38)}"`, null],
  [`"${'x'.repeat(39)}"`, { kind: 'too_large', path: '' }],
  [`"${'é'.repeat(20)}"`, { kind: 'too_large', path: '' }],
])('%s: %o', (text, flaw) => {
  expect(jsonFlaw(JSON.parse(text), LIMITS)).toEqual(flaw);
});

test('one with too many values is not looked at to its end', () => {
  const unread = {
    get a() {
      throw new Error('looked at');
    },
  };
  expect(jsonFlaw([Array.from({ length: 20 }, () => 1), unread], LIMITS)).toEqual({ kind: 'too_large', path: '' });
});
