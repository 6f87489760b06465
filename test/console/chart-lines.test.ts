import { describe, expect, test } from 'vitest';
import { aligned, gapOf, withGaps } from '../../console/src/charts/time-chart.data.ts';

const line = (at: readonly number[], more: object = {}) => ({
  ...{ key: 'a', label: 'a', at, values: at.map(() => 1) },
  ...more,
});

describe('lines of a chart', () => {
  test('break where nothing was measured for four times as long as usual', () => {
    const { at, values } = withGaps(line([0, 10, 20, 30, 40, 200, 210]));
    expect(at).toEqual([0, 10, 20, 30, 40, 41, 200, 210]);
    expect(values).toEqual([1, 1, 1, 1, 1, null, 1, 1]);
  });

  test('do not break where a model was calculated, nor within what the line says is usual', () => {
    const at = [0, 10, 20, 30, 40, 200, 210];
    expect(withGaps(line(at, { kind: 'model' })).at).toEqual(at);
    expect(withGaps(line(at, { gapMs: 160 })).at).toEqual(at);
  });

  test('take a quick live tail for no reason to break the averages before it', () => {
    expect(gapOf([0, 60_000, 120_000], 60_000)).toBe(240_000);
    // Averages of a second, of a device that sends every ten.
    expect(gapOf([0, 10_000, 20_000], 1_000)).toBe(40_000);
  });

  test('stay broken up to their own next point when another line has points meanwhile', () => {
    const broken = withGaps(line([0, 10, 20, 30, 40, 200]));
    const [at, values, others] = aligned([broken, line([0, 60, 120, 180], { key: 'b' })]);
    expect(at).toEqual([0, 10, 20, 30, 40, 41, 60, 120, 180, 200]);
    expect(values).toEqual([1, 1, 1, 1, 1, null, null, null, null, 1]);
    // Undefined: a point of another line, at which this one goes on.
    expect(others?.[1]).toBeUndefined();
  });
});
