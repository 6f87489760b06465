import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { elementsOf, linesOf } from './ingest.bodies.ts';

const MAX = 10;
const split = (body: string | Buffer) => {
  const found = elementsOf(Buffer.from(body as string), MAX);
  return typeof found === 'string' ? found : { items: found.items.map(String), more: found.more };
};
const lines = (body: string) => {
  const { items, more } = linesOf(Buffer.from(body), MAX);
  return { items: items.map(String), more };
};

describe('an array', () => {
  test.each([
    ['[]', []],
    [' [ ] ', []],
    ['[1]', ['1']],
    ['[{"a":[1,2]},{"b":"],}"}]', ['{"a":[1,2]}', '{"b":"],}"}']],
    ['["\\"],[",2]', ['"\\"],["', '2']],
    ['["\\\\",2]', ['"\\\\"', '2']],
    ['\uFEFF[1,2]\0', ['1', '2']],
    ['[1,2]\n', ['1', '2']],
    // Elements that are no JSON are items that are none.
    ['[1,,2,]', ['1', '', '2', '']],
    ['[{"a":1} {"b":2}]', ['{"a":1} {"b":2}']],
    ['[{"__proto__":1},NaN]', ['{"__proto__":1}', 'NaN']],
  ])('%s', (body, items) => {
    expect(split(body)).toEqual({ items, more: false });
  });

  test.each(['[', '[1', '[1,', '["]', '[{]', '[[]', '[1]]', '[1] x', '[1][2]', '[1]\0\0'])(
    '%s does not end',
    (body) => {
      expect(split(body)).toBe('malformed');
    },
  );

  test('of more than are asked for, no more are looked for', () => {
    expect(split(JSON.stringify(Array(MAX).fill(1)))).toMatchObject({ more: false });
    expect(split(JSON.stringify(Array(MAX + 1).fill(1)))).toMatchObject({ items: Array(MAX).fill('1'), more: true });
    expect(split(`[${'1,'.repeat(MAX)}]`)).toMatchObject({ more: true });
    expect(split(`[${'1,'.repeat(1_000)}`)).toMatchObject({ more: true });
  });

  test('its elements parse to what the whole parses to', () => {
    const array = fc.array(fc.jsonValue(), { maxLength: MAX, minLength: 1 });
    fc.assert(
      fc.property(array, fc.constantFrom(0, 2), (values, indent) => {
        const found = split(JSON.stringify(values, null, indent));
        if (typeof found === 'string') throw new Error(found);
        expect(found.items.map((item) => JSON.parse(item))).toEqual(JSON.parse(JSON.stringify(values)));
      }),
    );
  });

  test('whatever bytes arrive, it ends, and never has more items than were asked for', () => {
    const byte = fc.constantFrom(...Buffer.from('[]{},"\\ 1\0\n'), 0xff);
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 40 }), (bytes) => {
        const found = elementsOf(Buffer.from(bytes), 3);
        expect(typeof found === 'string' || found.items.length <= 3).toBe(true);
        expect(linesOf(Buffer.from(bytes), 3).items.length).toBeLessThanOrEqual(3);
      }),
    );
  });
});

test('an object is the only item of its body; anything else is neither', () => {
  expect(split(' {"a":1}')).toEqual({ items: ['{"a":1}'], more: false });
  for (const body of ['', ' ', '"[1]"', 'null', '5', 'x[1]']) expect(split(body)).toBe('neither');
});

test('lines, without those that are empty', () => {
  expect(lines('{"a":1}\r\n\n  {"b":2}\n\t\n3')).toEqual({ items: ['{"a":1}\r', '{"b":2}', '3'], more: false });
  expect(lines('\n \r\n')).toEqual({ items: [], more: false });
  expect(lines('1\n'.repeat(MAX))).toMatchObject({ more: false });
  expect(lines('1\n'.repeat(MAX + 1))).toEqual({ items: Array(MAX).fill('1'), more: true });
});
