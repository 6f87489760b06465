import type { AggregateFunction, AggregateValue } from './functions.ts';

export const FILLS = ['null', 'previous', 'linear'] as const;
export type Fill = (typeof FILLS)[number];

/** One function of one metric over all buckets; undefined where it has no value. */
export type Column = readonly (AggregateValue | undefined)[];

/**
 * Gives every bucket a value. A count is 0 where there is nothing. Else `previous` repeats the last value before, and
 * `linear` lies on the line between the numbers around it, by the beginnings of the buckets; null where there is none.
 */
export function filled(
  name: AggregateFunction,
  column: Column,
  times: readonly number[],
  fill: Fill,
): AggregateValue[] {
  if (name === 'count') return column.map((value) => value ?? 0);
  if (fill === 'null') return column.map((value) => value ?? null);
  if (fill === 'previous') {
    let before: AggregateValue = null;
    return column.map((value) => {
      before = value ?? before;
      return before;
    });
  }
  return interpolated(column, times);
}

function interpolated(column: Column, times: readonly number[]): AggregateValue[] {
  const values: AggregateValue[] = column.map((value) => value ?? null);
  let before = -1;
  for (const [index, value] of values.entries()) {
    if (value === null) continue;
    const [from, to] = [before < 0 ? null : (values[before] as AggregateValue), value];
    if (typeof from === 'number' && typeof to === 'number') {
      const start = times[before] as number;
      const span = (times[index] as number) - start;
      for (let each = before + 1; each < index; each += 1) {
        values[each] = from + ((to - from) * ((times[each] as number) - start)) / span;
      }
    }
    before = index;
  }
  return values;
}
