import type { Clock } from '#kernel/clock.ts';
import { analyticsErrors } from './analytics.errors.ts';
import type { TimeRange } from './analytics.ports.ts';
import { DAY_MS } from './buckets/interval.ts';

/** As people ask: the end defaults to now, the start to a day before the end. */
export interface AskedRange {
  readonly start?: number;
  readonly end?: number;
}

const LONGEST_MS = 3_660 * DAY_MS;

/**
 * @param where the range was asked for: in the query, or in a body
 * @throws AppError `invalid_analysis_range`
 */
export function rangeOf({ start, end }: AskedRange, clock: Clock, where: '/query' | '' = '/query'): TimeRange {
  const to = end ?? clock.now();
  const from = start ?? to - DAY_MS;
  if (from >= to) throw invalidRange('The start is not before the end.', 'must be before the end');
  if (to - from > LONGEST_MS)
    throw invalidRange('The range is longer than ten years.', 'must be within ten years of the end');
  return { start: from, end: to };

  function invalidRange(detail: string, message: string) {
    return analyticsErrors.invalid_analysis_range({
      detail,
      details: { fields: [{ path: `${where}/start`, message }] },
    });
  }
}

/** An `invalid_analysis_query` about one field of the query. */
export function invalidQuery(field: string, message: string) {
  return analyticsErrors.invalid_analysis_query({ details: { fields: [{ path: `/query/${field}`, message }] } });
}
