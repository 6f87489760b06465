import fc from 'fast-check';
import { expect, test } from 'vitest';
import { acceptJson } from './accept-json.ts';

const flawOf = (text: string | Buffer) => {
  const { flaw } = acceptJson(Buffer.from(text as string), { depth: 3, values: 4 });
  return flaw === null ? null : [flaw.what, flaw.path];
};

test.each([
  [Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), 'utf8', ''],
  ['[[[[]]]]', 'depth', ''],
  ['[[[[', 'depth', ''],
  ['[1,2,3,4,5]', 'values', ''],
  ['', 'syntax', ''],
  ['{"a":', 'syntax', ''],
  ['\uFEFF\uFEFF{}', 'syntax', ''],
  ['{"a":[0,9007199254740993]}', 'integer', '/a/1'],
  ['\uFEFF{"a":9007199254740993}', 'integer', '/a'],
  [String.raw`{"a":"\ud800"}`, 'unicode', '/a'],
  [String.raw`{"a":{"\uDFFF":1}}`, 'unicode', '/a'],
])('%s is refused for its %s at "%s"', (json, what, path) => {
  expect(flawOf(json)).toEqual([what, path]);
});

test.each(['[[[1]]]', '[1,2,3,4]', '1e300', '9007199254740991', '"9007199254740993"', '{"__proto__":1}', '"😀"'])(
  '%s is taken as it is',
  (json) => {
    expect(acceptJson(Buffer.from(json))).toEqual({ flaw: null, value: JSON.parse(json) });
    expect(acceptJson(Buffer.from(`\uFEFF${json}`))).toEqual({ flaw: null, value: JSON.parse(json) });
  },
);

test('depth that only a number beyond 2^53 would let a parser feel is refused before any parser', () => {
  const deep = '['.repeat(30_000) + ']'.repeat(30_000);
  const text = `{"a":12345678901234567,"b":${deep}}`;
  expect(flawOf(text)).toEqual(['depth', '']);
});

test('what the parser throws is the cause', () => {
  const cause = new Error('no');
  const parse = () => {
    throw cause;
  };
  expect(acceptJson(Buffer.from('1'), undefined, parse)).toMatchObject({ flaw: { what: 'syntax', cause } });
});

test('whatever bytes arrive, nothing is thrown', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(acceptJson(Buffer.from(bytes))).toHaveProperty('flaw');
    }),
  );
});
