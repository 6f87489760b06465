const SECOND_MS = 1_000;
export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;

/** `30s`, `5m`, `1h`, `1d` */
export const INTERVAL_PATTERN = '^([1-9][0-9]{0,6}[smhd]|auto)$';

const LONGEST_DAYS = 90;
const UNITS: Readonly<Record<string, number>> = { s: SECOND_MS, m: MINUTE_MS, h: HOUR_MS, d: DAY_MS };

/** What `auto` chooses from. */
const ROUND_INTERVALS = [
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND_MS),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE_MS),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR_MS),
  ...[1, 2, 7, 14, 30, LONGEST_DAYS].map((n) => n * DAY_MS),
];
const AUTO_BUCKETS = 500;

/** @returns milliseconds; null for anything that is not from 1s to 90d */
export function parseInterval(text: string): number | null {
  const match = /^([1-9][0-9]{0,6})([smhd])$/.exec(text);
  if (match === null) return null;
  const width = Number(match[1]) * (UNITS[match[2] as string] as number);
  return width <= LONGEST_DAYS * DAY_MS ? width : null;
}

/** The shortest round interval that cuts the range into no more than 500 buckets; the longest when none does. */
export function autoInterval(start: number, end: number): number {
  const wanted = (end - start) / AUTO_BUCKETS;
  return ROUND_INTERVALS.find((width) => width >= wanted) ?? LONGEST_DAYS * DAY_MS;
}

/** `5m` for 300,000 */
export function formatInterval(width: number): string {
  for (const [unit, size] of Object.entries(UNITS).toReversed())
    if (width % size === 0) return `${width / size}${unit}`;
  return `${width}ms`;
}
