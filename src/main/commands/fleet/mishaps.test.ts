import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createMishaps, MISHAPS } from './mishaps.ts';

describe('mishaps', () => {
  test('are the same for the same seed and occasion', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...MISHAPS),
        fc.integer(),
        fc.nat(),
        fc.double({ min: 0, max: 1 }),
        (kind, seed, n, share) => {
          const shares = { [kind]: share };
          expect(createMishaps(shares, seed)(kind, n)).toBe(createMishaps(shares, seed)(kind, n));
        },
      ),
    );
  });

  test('happen to about their share of devices and of occasions, each kind by itself', () => {
    const count = (happens: (n: number) => boolean) =>
      Array.from({ length: 2_000 }, (_, n) => happens(n)).filter(Boolean).length;
    for (const kind of MISHAPS) {
      const shares = { [kind]: 0.2 };
      for (const found of [
        count((seed) => createMishaps(shares, seed)(kind, 1)),
        count((occasion) => createMishaps(shares, 1)(kind, occasion)),
      ]) {
        expect(found).toBeGreaterThan(300);
        expect(found).toBeLessThan(500);
      }
    }
    const both = createMishaps({ command_fails: 0.5, update_fails: 0.5 }, 1);
    const different = count((n) => both('command_fails', n) !== both('update_fails', n));
    expect(different).toBeGreaterThan(700);
  });

  test('what is left out never happens, what is 1 always', () => {
    const happens = createMishaps({ update_fails: 1 }, 3);
    const all = Array.from({ length: 1_000 }, (_, n) => n);
    expect(all.every((n) => happens('update_fails', n))).toBe(true);
    expect(all.some((n) => happens('command_fails', n))).toBe(false);
  });
});
