import fc from 'fast-check';
import { expect, test } from 'vitest';
import { serialOf, uidOf } from './certificates.rules.ts';

test('a serial is the same however it is written, and another number has another one', () => {
  const serials = fc.bigInt({ min: 1n, max: 2n ** 159n });
  fc.assert(
    fc.property(serials, serials, fc.nat(4), (one, other, zeros) => {
      const text = one.toString(16);
      const written = [text, text.toUpperCase(), `${'0'.repeat(zeros)}${text}`].map(serialOf);
      expect(new Set(written).size).toBe(1);
      expect(written[0]).toMatch(/^([0-9A-F]{2})+$/);
      expect(BigInt(`0x${written[0]}`)).toBe(one);
      expect(serialOf(other.toString(16)) === written[0]).toBe(one === other);
    }),
  );
});

test('the device is one of the names, and the one that the user name says', () => {
  const uid = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/);
  fc.assert(
    fc.property(fc.array(fc.oneof(uid, fc.string())), fc.oneof(fc.constant(''), uid), (names, username) => {
      const found = uidOf({ names } as never, username);
      if (found === null) return;
      expect(names).toContain(found);
      expect(found).toMatch(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/);
      if (username !== '') expect(found).toBe(username);
    }),
  );
  expect(uidOf({ names: ['Pump 1', 'pump-1', 'pump-2'] } as never, '')).toBe('pump-1');
  expect(uidOf({ names: ['pump-1', 'pump-2'] } as never, 'pump-2')).toBe('pump-2');
  expect(uidOf({ names: ['pump-1'] } as never, 'pump-2')).toBeNull();
});
