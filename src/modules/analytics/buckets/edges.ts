import { DAY_MS } from './interval.ts';
import { offsetSpans, type ZoneClock } from './time-zone.ts';

/**
 * Where buckets begin: whenever the clock of the zone shows a multiple of `width` since 1970-01-01T00:00 on it, or
 * jumps over one. So hours begin on the hour and days at midnight, whatever the offset; a day has 23 or 25 hours when
 * the clock changes; an hour that comes twice is two buckets. Where `width` is whole days, a midnight that comes twice
 * counts once.
 *
 * @returns ascending: the last beginning at or before `start`, those between, and the first at or after `end`; null
 * when there would be more than `most` buckets
 */
export function bucketEdges(
  range: { readonly start: number; readonly end: number },
  width: number,
  clock: ZoneClock,
  most: number,
): readonly number[] | null {
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
  const firstInside = edges.findLastIndex((edge) => edge <= start);
  const behind = edges.findIndex((edge) => edge >= end);
  const needed = edges.slice(firstInside, behind + 1);
  return needed.length - 1 > most ? null : needed;
}
