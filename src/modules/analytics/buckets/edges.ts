import { DAY_MS, type Interval } from './interval.ts';
import { offsetSpans, type ZoneClock } from './time-zone.ts';

export interface Range {
  /** Epoch milliseconds, inclusive. */
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

/**
 * Where buckets begin on the clock of the zone.
 *
 * @returns ascending: the last beginning at or before `start`, those between, and the first at or after `end`; null
 * when there would be more than `most` buckets
 */
export function bucketEdges(
  range: Range,
  interval: Interval,
  clock: ZoneClock,
  most: number,
): readonly number[] | null {
  return typeof interval === 'number'
    ? fixedEdges(range, interval, clock, most)
    : calendarEdges(range, interval, clock, most);
}

/** A period of the calendar begins with its first day that the zone has: a day may be left out of a calendar. */
function calendarEdges(range: Range, period: 'week' | 'month', clock: ZoneClock, most: number) {
  const [shortest, longest] = period === 'week' ? [7, 7] : [28, 31];
  if ((range.end - range.start) / (shortest * DAY_MS) > most + 2) return null;
  const around = { start: range.start - (longest + 1) * DAY_MS, end: range.end + (longest + 1) * DAY_MS };
  const days = fixedEdges(around, DAY_MS, clock, Number.POSITIVE_INFINITY) ?? [];
  const periods = days.map((day) => periodOf(day + clock.offsetAt(day), period));
  // Of the first day it is not known whether its period began before.
  return within(
    days.filter((_, index) => index > 0 && periods[index] !== periods[index - 1]),
    range,
    most,
  );
}

/** A number that grows by one with each week or month, of a time as the clock shows it. */
function periodOf(shown: number, period: 'week' | 'month'): number {
  // 1970-01-01 was a Thursday.
  if (period === 'week') return Math.floor((shown / DAY_MS + 3) / 7);
  const date = new Date(shown);
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
}

/**
 * Fixed buckets begin whenever the clock of the zone shows a multiple of `width` since 1970-01-01T00:00 on it, or
 * jumps over one. So hours begin on the hour and days at midnight, whatever the offset; a day has 23 or 25 hours when
 * the clock changes; an hour that comes twice is two buckets. Where `width` is whole days, a midnight that comes twice
 * counts once.
 */
function fixedEdges(range: Range, width: number, clock: ZoneClock, most: number): readonly number[] | null {
  const { start, end } = range;
  if ((end - start) / width > most + 2) return null;
  // A bucket is as long as its width and the clock's change together, at the most.
  const from = start - width - DAY_MS;
  const to = end + width + DAY_MS;
  const wholeDays = width % DAY_MS === 0;
  const edges: number[] = [];
  let shown = Number.NEGATIVE_INFINITY;
  const add = (edge: number, offset: number) => {
    const index = Math.floor((edge + offset) / width);
    if (wholeDays && index <= shown) return;
    shown = index;
    edges.push(edge);
  };
  const spans = offsetSpans(clock, from, to);
  for (const [index, { from: begin, offset }] of spans.entries()) {
    const stop = spans[index + 1]?.from ?? to;
    const before = spans[index - 1]?.offset;
    const first = Math.ceil((begin + offset) / width) * width - offset;
    const jumpedOver = before !== undefined && Math.ceil((begin + before) / width) * width <= begin + offset;
    if (jumpedOver && first !== begin) add(begin, offset);
    // Of those before the range only the last may be needed: of a short interval there are a few hundred thousand.
    const skipped = Math.floor((Math.min(start, stop - 1) - first) / width);
    const near = first + Math.max(0, skipped) * width;
    for (let edge = near; edge < stop; edge += width) {
      add(edge, offset);
      if (edge >= end) break;
    }
  }
  return within(edges, range, most);
}

/** Of all edges around the range, those that it needs. */
function within(edges: readonly number[], { start, end }: Range, most: number): readonly number[] | null {
  const firstInside = edges.findLastIndex((edge) => edge <= start);
  const behind = edges.findIndex((edge) => edge >= end);
  const needed = edges.slice(firstInside, behind + 1);
  return needed.length - 1 > most ? null : needed;
}
