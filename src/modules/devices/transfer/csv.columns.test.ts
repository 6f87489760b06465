import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromSafeCell, headingOf, toSafeCell } from './csv.columns.ts';

test.each([
  ['Name', 'name'],
  [' Device Type ', 'device_type'],
  ['DEVICE-UID', 'device_uid'],
  ['Created at', 'measured'],
  ['', 'unnamed'],
  ['secret', undefined],
])('the heading %j stands for %s', (cell, column) => {
  expect(headingOf(cell)).toBe(column);
});

test('no cell is a formula, and each comes back as it was', () => {
  const text = fc.stringMatching(/^'{0,3}[=+\-@＝a]?.{0,5}$/);
  fc.assert(
    fc.property(text, (cell) => {
      expect(toSafeCell(cell)).not.toMatch(/^[=+\-@\t\r＝＋－＠]/);
      expect(fromSafeCell(toSafeCell(cell))).toBe(cell);
    }),
  );
});
