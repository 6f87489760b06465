const SECOND_MS = 1_000;
export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;

/** As it is asked for: `30s`, `5m`, `1h`, `1d`, `1w`, `1mo`. */
export const INTERVAL_PATTERN = '^([1-9][0-9]{0,6}[smhd]|1w|1mo|auto)$';

/** A fixed width in milliseconds, or a period of the calendar: a week from Monday, a month from its first day. */
export type Interval = number | 'week' | 'month';

const LONGEST_DAYS = 90;
const UNITS: Readonly<Record<string, number>> = { s: SECOND_MS, m: MINUTE_MS, h: HOUR_MS, d: DAY_MS };
const CALENDAR: Readonly<Record<string, Interval>> = { '1w': 'week', '1mo': 'month' };

/** What `auto` chooses from while the range holds 500 weeks at the most. */
const ROUND_WIDTHS = [
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND_MS),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE_MS),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR_MS),
  ...[1, 2].map((n) => n * DAY_MS),
];
const WEEK_MS = 7 * DAY_MS;
const AUTO_BUCKETS = 500;

/** @returns null for anything that is neither from 1s to 90d nor 1w or 1mo */
export function parseInterval(text: string): Interval | null {
  const period = CALENDAR[text];
  if (period !== undefined) return period;
  const match = /^([1-9][0-9]{0,6})([smhd])$/.exec(text);
  if (match === null) return null;
  const width = Number(match[1]) * (UNITS[match[2] as string] as number);
  return width <= LONGEST_DAYS * DAY_MS ? width : null;
}

/** The shortest round interval that cuts the range into no more than 500 buckets; months when none does. */
export function autoInterval(start: number, end: number): Interval {
  const wanted = (end - start) / AUTO_BUCKETS;
  return ROUND_WIDTHS.find((width) => width >= wanted) ?? (wanted <= WEEK_MS ? 'week' : 'month');
}

/** `5m` for 300,000; `1mo` for a month */
export function formatInterval(interval: Interval): string {
  if (typeof interval === 'string') return interval === 'week' ? '1w' : '1mo';
  for (const [unit, size] of Object.entries(UNITS).toReversed())
    if (interval % size === 0) return `${interval / size}${unit}`;
  return `${interval}ms`;
}
