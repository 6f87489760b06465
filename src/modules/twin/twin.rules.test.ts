import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { deltaOf, effectiveOf, flawOf, isSame, type Json, mergePatch, withoutField } from './twin.rules.ts';

const key = fc.constantFrom('a', 'b', 'c', 'x/y', '~');
const { object } = fc.letrec<{ json: unknown; object: Json }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(null, true, 1, 'text'),
    fc.array(fc.constantFrom(1, null, 'x'), { maxLength: 2 }),
    tie('object'),
  ),
  object: fc.dictionary(key, tie('json'), { maxKeys: 3 }) as fc.Arbitrary<Json>,
}));

/** The examples of RFC 7396, appendix A. */
const EXAMPLES: readonly (readonly [unknown, unknown, unknown])[] = [
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [
    ['a', 'b'],
    ['c', 'd'],
    ['c', 'd'],
  ],
  [{ a: 'b' }, ['c'], ['c']],
  [{ a: 'foo' }, null, null],
  [{ a: 'foo' }, 'bar', 'bar'],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: 'b', c: null }, { a: 'b' }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
];

test.each(EXAMPLES)('RFC 7396: %j patched by %j is %j', (target, patch, result) => {
  expect(mergePatch(target, patch)).toEqual(result);
});

describe('of any configurations', () => {
  test('a patch leaves what it was made of alone, and patching again changes nothing', () => {
    fc.assert(
      fc.property(object, object, (target, patch) => {
        const before = JSON.stringify([target, patch]);
        const once = mergePatch(target, patch);
        expect(JSON.stringify([target, patch])).toBe(before);
        expect(mergePatch(once, patch)).toEqual(once);
      }),
    );
  });

  test('what a device reports as it was told has no delta; a delta has only what is desired', () => {
    fc.assert(
      fc.property(object, object, object, (defaults, own, reported) => {
        const effective = effectiveOf(defaults, own);
        expect(deltaOf(effective, effective)).toEqual({});
        // A device may have more than it was told.
        expect(deltaOf(effective, mergePatch(reported, effective) as Json)).toEqual({});
        const delta = deltaOf(effective, reported);
        // With it, the device has what is desired.
        expect(deltaOf(effective, mergePatch(reported, delta) as Json)).toEqual({});
        for (const name of Object.keys(delta)) expect(Object.hasOwn(effective, name)).toBe(true);
      }),
    );
  });

  test('the order of keys says nothing', () => {
    fc.assert(
      fc.property(object, (config) => {
        expect(isSame(config, Object.fromEntries(Object.entries(config).toReversed()))).toBe(true);
        expect(isSame(config, { ...config, z: 1 })).toBe(false);
      }),
    );
  });

  test('a field that the device has decided is not effective, every other one is as it was', () => {
    fc.assert(
      fc.property(object, object, fc.array(key, { minLength: 1, maxLength: 3 }), (defaults, own, path) => {
        const pointer = path.map((token) => `/${token.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
        const before = effectiveOf(defaults, own);
        const cleared = withoutField(own, defaults, pointer);
        const after = effectiveOf(defaults, cleared);
        expect(at(after, path)).toBeUndefined();
        expect(withoutEmpty(strip(after, path))).toEqual(withoutEmpty(strip(before, path)));
        expect(isSame(withoutField(cleared, defaults, pointer), cleared)).toBe(true);
      }),
    );
  });
});

test('what is too deep, too large or has a key __proto__ is not acceptable', () => {
  const deep = (levels: number) => JSON.parse(`${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`);
  expect(flawOf(deep(10))).toBeNull();
  expect(flawOf(deep(11))).toBe('too_deep');
  expect(flawOf({ a: 'x'.repeat(32 * 1024 - 8) })).toBeNull();
  expect(flawOf({ a: 'x'.repeat(32 * 1024 - 7) })).toBe('too_large');
  expect(flawOf(JSON.parse('{"a": {"__proto__": 1}}'))).toBe('key');
});

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (inner, name) => (isObject(inner) && Object.hasOwn(inner, name) ? inner[name] : undefined),
    value,
  );
}

function strip(value: unknown, [name, ...rest]: readonly string[]): unknown {
  if (!isObject(value) || name === undefined || !Object.hasOwn(value, name)) return value;
  if (rest.length === 0) return Object.fromEntries(Object.entries(value).filter(([each]) => each !== name));
  return { ...value, [name]: strip(value[name], rest) };
}

/** An object that has lost its last field may be there or not. */
function withoutEmpty(value: unknown): unknown {
  if (!isObject(value)) return value;
  const entries = Object.entries(value).map(([name, inner]) => [name, withoutEmpty(inner)] as const);
  return Object.fromEntries(entries.filter(([, inner]) => !isObject(inner) || Object.keys(inner).length > 0));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
