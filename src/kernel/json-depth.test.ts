import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hasMoreValuesThan, nestsDeeperThan } from './json-depth.ts';

const deeper = (text: string, limit: number) => nestsDeeperThan(Buffer.from(text), limit);

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

test('agrees with the parsed value, whatever stands in its strings', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5, noUnicodeString: false }), (value) => {
      const depth = depthOf(value);
      expect(deeper(JSON.stringify(value), depth)).toBe(false);
      if (depth > 0) expect(deeper(JSON.stringify(value), depth - 1)).toBe(true);
    }),
  );
});

test.each([
  ['"[[[["', 0, false],
  [String.raw`["\"[[[[", "\\", "[["]`, 1, false],
  ['[[[', 2, true],
  ['[[], [], {}]', 2, false],
  ['"', 0, false],
  ['"\\', 0, false],
])('%s beyond %i: %s', (text, limit, expected) => {
  expect(deeper(text, limit)).toBe(expected);
});

test.each([
  ['[1, 2, 3]', 3, false],
  ['[1, 2, 3]', 2, true],
  ['[[1, 2], {"a": 3, "b": ",,,,"}]', 4, false],
  ['[[1, 2], {"a": 3, "b": 4}]', 2, true],
  [String.raw`["\",", ",,,\\"]`, 2, false],
  ['","', 1, false],
])('%s has more than %i values: %s', (text, limit, expected) => {
  expect(hasMoreValuesThan(Buffer.from(text), limit)).toBe(expected);
});
