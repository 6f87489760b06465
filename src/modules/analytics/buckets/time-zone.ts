import { DAY_MS } from './interval.ts';

/** The clock of a time zone: how many milliseconds it is ahead of UTC, at any instant. */
export interface ZoneClock {
  offsetAt(time: number): number;
}

/** @returns null when there is no such IANA time zone */
export function createZoneClock(timeZone: string): ZoneClock | null {
  if (timeZone === 'UTC') return { offsetAt: () => 0 };
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      ...{ year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' },
    });
  } catch {
    return null;
  }
  return {
    offsetAt(time) {
      const part: Record<string, number> = {};
      for (const { type, value } of format.formatToParts(time)) part[type] = Number(value);
      const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
      return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(time / 1000) * 1000;
    },
  };
}

/** The offset holds from `from` to the next one's. */
export interface OffsetSpan {
  readonly from: number;
  readonly offset: number;
}

/** No zone changes its clock and back within less. */
const LOOK_EVERY_MS = 7 * DAY_MS;

/** How the offset changes from `start` to `end`, by looking once a week and halving where it differs. */
export function offsetSpans(clock: ZoneClock, start: number, end: number): readonly OffsetSpan[] {
  const spans: OffsetSpan[] = [{ from: start, offset: clock.offsetAt(start) }];
  for (let at = start; at < end; at += LOOK_EVERY_MS) {
    const next = Math.min(at + LOOK_EVERY_MS, end);
    const before = (spans.at(-1) as OffsetSpan).offset;
    const after = clock.offsetAt(next);
    if (after === before) continue;
    let [low, high] = [at, next];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (clock.offsetAt(middle) === before) low = middle;
      else high = middle;
    }
    spans.push({ from: high, offset: after });
  }
  return spans;
}
