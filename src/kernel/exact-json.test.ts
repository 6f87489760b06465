import { expect, test } from 'vitest';
import { inexactIn, parseExactJson } from './exact-json.ts';

const at = (text: string) => inexactIn(parseExactJson(text));

test.each([
  ['9007199254740993', { path: '', what: 'integer' }],
  ['{"a":[0,{"b/c~":-9007199254740992}]}', { path: '/a/1/b~1c~0', what: 'integer' }],
  [String.raw`{"a":["\ud800"]}`, { path: '/a/0', what: 'unicode' }],
  [String.raw`{"a":{"\udc00x":1}}`, { path: '/a', what: 'unicode' }],
])('%s', (text, expected) => {
  expect(at(text)).toEqual(expected);
});

test.each([
  '9007199254740991',
  '1e300',
  '12345678901234567890.0',
  '0.30000000000000004',
  '"9007199254740993"',
  String.raw`"\ud83d\ude00"`,
  '{"__proto__":{"a":1}}',
  'null',
])('%s is kept as it is', (text) => {
  expect(at(text)).toBeNull();
  expect(parseExactJson(text)).toEqual(JSON.parse(text));
});
