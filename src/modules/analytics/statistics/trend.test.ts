import { describe, expect, test } from 'vitest';
import { addValues, createStatistics } from '#platform/telemetry/aggregation/statistics.ts';
import { student95, trendOf } from './trend.ts';

const HOUR = 3_600_000;

/** Values at hours. */
function momentsOf(points: readonly (readonly [hour: number, value: number])[]) {
  const statistics = createStatistics();
  for (const [hour, value] of points) {
    const values = { kind: 'number', numbers: Float64Array.of(value) } as const;
    addValues(statistics, { times: [hour * HOUR], values, from: 0, to: 1 }, false);
  }
  return statistics;
}

/** NIST Statistical Reference Datasets, Norris: y, x. https://www.itl.nist.gov/div898/strd/lls/data/Norris.shtml */
const NORRIS = `0.1 0.2 338.8 337.4 118.1 118.2 888.0 884.6 9.2 10.1 228.1 226.5 668.5 666.3 998.5 996.3 449.1 448.6
  778.9 777.0 559.2 558.2 0.3 0.4 0.1 0.6 778.1 775.5 668.8 666.9 339.3 338.0 448.9 447.5 10.8 11.6 557.7 556.0
  228.3 228.1 998.0 995.8 888.8 887.6 119.6 120.2 0.3 0.3 0.6 0.3 557.6 556.8 339.3 339.1 888.0 887.2 998.5 999.0
  778.9 779.0 10.2 11.1 117.6 118.3 228.9 229.2 668.4 669.1 449.2 448.9 0.2 0.5`;

describe('trend', () => {
  test('the certified values of NIST’s Norris', () => {
    const numbers = NORRIS.trim().split(/\s+/).map(Number);
    const points = Array.from(
      { length: 36 },
      (_, n) => [numbers[2 * n + 1] as number, numbers[2 * n] as number] as const,
    );
    const trend = trendOf(momentsOf(points.toSorted(([a], [b]) => a - b)), 0, [500 * HOUR]);
    expect(trend).toMatchObject({ sampleCount: 36, direction: 'increasing' });
    expect(trend.slopePerHour).toBeCloseTo(1.00211681802045, 11);
    expect(trend.intercept).toBeCloseTo(-0.262323073774029, 9);
    expect(trend.r2).toBeCloseTo(0.999993745883712, 12);
    expect(trend.residualDeviation).toBeCloseTo(0.884796396144373, 9);
  });

  test('a line and its band, by hand', () => {
    // x̄ = 3, ȳ = 4, Sxx = 10, Sxy = 8, Syy = 10: slope 0.8, s² = (10 − 6.4)/3 = 1.2, r² = 0.64; t(3) = 3.1824.
    const values = [2, 4, 3, 6, 5];
    const trend = trendOf(momentsOf(values.map((y, index) => [index + 1, y])), HOUR, [8 * HOUR]);
    expect(trend.slopePerHour).toBeCloseTo(0.8, 12);
    expect(trend.intercept).toBeCloseTo(2.4, 12);
    expect(trend.r2).toBeCloseTo(0.64, 12);
    const half = 3.1824 * Math.sqrt(1.2) * Math.sqrt(1 + 1 / 5 + 25 / 10);
    expect(trend.forecast).toEqual([
      {
        timestamp: 8 * HOUR,
        value: expect.closeTo(8, 12),
        lower: expect.closeTo(8 - half, 9),
        upper: expect.closeTo(8 + half, 9),
      },
    ]);
    // |0.8| < 3.1824 · √(1.2/10) = 1.102: five values are too few to be sure.
    expect(trend.direction).toBe('stable');
  });

  test.each([
    ['falling', (hour: number) => 100 - hour + Math.sin(hour * 7), 'decreasing'],
    ['noise', (hour: number) => Math.sin(hour * 7), 'stable'],
    ['equal values', () => 0.1, 'stable'],
    ['a slope that noise hides', (hour: number) => hour / 2000 + Math.sin(hour * 7), 'stable'],
  ])('%s', (_, valueAt, direction) => {
    const points = Array.from({ length: 1000 }, (__, hour) => [hour, valueAt(hour)] as const);
    expect(trendOf(momentsOf(points), 0, []).direction).toBe(direction);
  });

  test('too little to say anything', () => {
    const none = { slopePerHour: null, intercept: null, r2: null, direction: 'stable', forecast: [] };
    expect(trendOf(null, 0, [HOUR])).toMatchObject({ sampleCount: 0, ...none });
    expect(trendOf(momentsOf([[1, 5]]), 0, [HOUR])).toMatchObject({ sampleCount: 1, ...none });
    expect(
      trendOf(
        momentsOf([
          [1, 5],
          [2, 6],
        ]),
        HOUR,
        [3 * HOUR],
      ),
    ).toMatchObject({
      ...{ slopePerHour: expect.closeTo(1, 12), intercept: 5, direction: 'stable' },
      forecast: [{ value: 7, lower: null, upper: null }],
    });
  });
});

test.each([
  [1, 12.706],
  [10, 2.228],
  [30, 2.042],
  [31, 2.0395],
  [60, 2.0003],
  [120, 1.9799],
  [1_000_000, 1.96],
])('Student’s t of %i degrees of freedom is %d', (degrees, t) => {
  expect(student95(degrees)).toBeCloseTo(t, 3);
});
