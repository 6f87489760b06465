import { expect, test } from 'vitest';
import { isNamed } from './etags.port.ts';

test.each([
  [undefined, false],
  ['', false],
  ['"a"', true],
  ['W/"a"', true],
  ['"b"', false],
  ['a', false],
  ['"b", W/"a"', true],
  ['"b","c"', false],
  ['*', true],
])('If-None-Match: %s names "a": %s', (header, expected) => {
  expect(isNamed('"a"', header)).toBe(expected);
});
