import type { Clock } from '#kernel/clock.ts';
import type { FieldError } from '#kernel/errors.ts';
import { analyticsErrors } from './analytics.errors.ts';
import type { TimeRange } from './analytics.ports.ts';
import { DAY_MS } from './buckets/interval.ts';

/** As people ask: the end defaults to now, the start to a day before the end. */
export interface AskedRange {
  readonly start?: number;
  readonly end?: number;
}

const LONGEST_MS = 3_660 * DAY_MS;

/** @throws AppError `invalid_analysis_range` */
export function rangeOf({ start, end }: AskedRange, clock: Clock, defaultMs = DAY_MS): TimeRange {
  const to = end ?? clock.now();
  const from = start ?? to - defaultMs;
  const fields: FieldError[] = [];
  if (from >= to) fields.push({ path: '/query/start', message: 'must be before the end' });
  else if (to - from > LONGEST_MS)
    fields.push({ path: '/query/start', message: 'must be within ten years of the end' });
  if (fields.length > 0) throw analyticsErrors.invalid_analysis_range({ details: { fields } });
  return { start: from, end: to };
}

/** An `invalid_analysis_query` about one field of the query. */
export function invalidQuery(field: string, message: string) {
  return analyticsErrors.invalid_analysis_query({ details: { fields: [{ path: `/query/${field}`, message }] } });
}
