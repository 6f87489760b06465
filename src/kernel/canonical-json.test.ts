import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalJson } from './canonical-json.ts';

test('sorts keys at every level by their code units, digits included', () => {
  const value = { b: [{ z: 1, a: null }, 'x'], '10': true, '9': 1e21, é: '€', a: undefined };
  expect(canonicalJson(value)).toBe('{"10":true,"9":1e+21,"b":[{"a":null,"z":1},"x"],"é":"€"}');
});

test('says what JSON says, whatever the order of the keys', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = canonicalJson(value);
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      const turned = JSON.parse(JSON.stringify(value), (_key, each) =>
        typeof each === 'object' && each !== null && !Array.isArray(each)
          ? Object.fromEntries(Object.entries(each).toReversed())
          : each,
      );
      expect(canonicalJson(turned)).toBe(text);
    }),
  );
});
