import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createHistogram } from './histogram.ts';

describe('histogram', () => {
  test('percentiles are at most 2 % above the exact ones and never below', () => {
    const milliseconds = fc.double({ min: 0.01, max: 60_000, noNaN: true });
    fc.assert(
      fc.property(fc.array(milliseconds, { minLength: 1, maxLength: 300 }), (values) => {
        const histogram = createHistogram();
        for (const value of values) histogram.record(value);
        const { p50, p99, max, count } = histogram.summary();
        const sorted = values.toSorted((a, b) => a - b);
        for (const [fraction, found] of [[0.5, p50] as const, [0.99, p99] as const]) {
          const exact = sorted[Math.ceil(sorted.length * fraction) - 1] ?? 0;
          expect(found / exact).toBeGreaterThan(1 - 1e-9);
          expect(found / exact).toBeLessThan(1.02 + 1e-9);
        }
        expect(max).toBe(sorted.at(-1));
        expect(count).toBe(values.length);
      }),
    );
  });

  test('nothing recorded is nothing', () => {
    expect(createHistogram().summary()).toEqual({ count: 0, p50: 0, p99: 0, p999: 0, max: 0 });
  });
});
