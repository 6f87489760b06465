import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bucketEdges } from './edges.ts';
import { autoInterval, DAY_MS, formatInterval, HOUR_MS, type Interval, MINUTE_MS, parseInterval } from './interval.ts';
import { createZoneClock, type ZoneClock } from './time-zone.ts';

const zone = (name: string) => createZoneClock(name) as ZoneClock;
const at = (text: string) => Date.parse(text);
function edges(start: string, end: string, interval: Interval, timeZone: string): string[] {
  const found = bucketEdges({ start: at(start), end: at(end) }, interval, zone(timeZone), 10_000);
  return (found ?? []).map((edge) => new Date(edge).toISOString().slice(0, 16));
}

describe('bucket edges', () => {
  test('cover the range from the edge before its start to the edge behind its end', () => {
    expect(edges('2026-01-01T10:07Z', '2026-01-01T12:01Z', HOUR_MS, 'UTC')).toEqual([
      '2026-01-01T10:00',
      '2026-01-01T11:00',
      '2026-01-01T12:00',
      '2026-01-01T13:00',
    ]);
    expect(edges('2026-01-01T10:00Z', '2026-01-01T11:00Z', HOUR_MS, 'UTC')).toHaveLength(2);
  });

  test('days begin at midnight of the zone', () => {
    expect(edges('2026-01-01T00:00Z', '2026-01-02T00:00Z', DAY_MS, 'Asia/Seoul')).toEqual([
      '2025-12-31T15:00',
      '2026-01-01T15:00',
      '2026-01-02T15:00',
    ]);
  });

  test('hours begin on the hour of a zone that is half an hour off', () => {
    expect(edges('2026-01-01T00:00Z', '2026-01-01T01:00Z', HOUR_MS, 'Asia/Kolkata')).toEqual([
      '2025-12-31T23:30',
      '2026-01-01T00:30',
      '2026-01-01T01:30',
    ]);
  });

  // Berlin: 2026-03-29 02:00 → 03:00 (01:00Z), 2026-10-25 03:00 → 02:00 (01:00Z).
  test.each([
    ['2026-03-28T23:00Z', '2026-03-29T22:00Z', 23],
    ['2026-10-24T22:00Z', '2026-10-25T23:00Z', 25],
  ])('the day from %s has %3$i hours', (start, end, hours) => {
    expect(edges(start, end, DAY_MS, 'Europe/Berlin')).toEqual([start.slice(0, 16), end.slice(0, 16)]);
    expect(edges(start, end, HOUR_MS, 'Europe/Berlin')).toHaveLength(hours + 1);
    expect(edges(start, end, 30 * MINUTE_MS, 'Europe/Berlin')).toHaveLength(2 * hours + 1);
  });

  test('two hours around a change begin when the clock shows them, or jumps over them', () => {
    expect(edges('2026-03-28T23:00Z', '2026-03-29T04:00Z', 2 * HOUR_MS, 'Europe/Berlin')).toEqual([
      '2026-03-28T23:00',
      '2026-03-29T01:00',
      '2026-03-29T02:00',
      '2026-03-29T04:00',
    ]);
    expect(edges('2026-10-24T22:00Z', '2026-10-25T03:00Z', 2 * HOUR_MS, 'Europe/Berlin')).toEqual([
      '2026-10-24T22:00',
      '2026-10-25T00:00',
      '2026-10-25T01:00',
      '2026-10-25T03:00',
    ]);
  });

  test('a day whose midnight is skipped begins when the clock has jumped', () => {
    // Beirut 2024-03-31: 00:00 → 01:00.
    expect(edges('2024-03-30T12:00Z', '2024-03-31T12:00Z', DAY_MS, 'Asia/Beirut')).toEqual([
      '2024-03-29T22:00',
      '2024-03-30T22:00',
      '2024-03-31T21:00',
    ]);
  });

  test('weeks begin on Monday and months on the first, at midnight of the zone', () => {
    // Monday 2026-03-23 and 2026-03-30; the clock changes on the Sunday between.
    expect(edges('2026-03-25T12:00Z', '2026-03-30T12:00Z', 'week', 'Europe/Berlin')).toEqual([
      '2026-03-22T23:00',
      '2026-03-29T22:00',
      '2026-04-05T22:00',
    ]);
    expect(edges('2026-02-28T23:00Z', '2026-03-31T22:00Z', 'month', 'Europe/Berlin')).toEqual([
      '2026-02-28T23:00',
      '2026-03-31T22:00',
    ]);
    expect(edges('2024-02-29T12:00Z', '2024-03-01T00:00Z', 'month', 'UTC')).toEqual([
      '2024-02-01T00:00',
      '2024-03-01T00:00',
    ]);
  });

  test('a week whose Monday the calendar left out begins on the day after', () => {
    // As Samoa left out a Friday in 2011.
    const clock: ZoneClock = { offsetAt: (time) => (time < at('2026-03-09T00:00Z') ? 0 : DAY_MS) };
    const found = bucketEdges({ start: at('2026-03-04T00:00Z'), end: at('2026-03-12T00:00Z') }, 'week', clock, 10);
    // Monday the 9th was left out: behind Sunday the 8th comes Tuesday the 10th.
    expect(found?.map((edge) => new Date(edge).toISOString().slice(0, 10))).toEqual([
      '2026-03-02',
      '2026-03-09',
      '2026-03-15',
    ]);
  });

  test('whatever the zone: periods of the calendar ascend around the range and begin at their first midnight', () => {
    const timeZone = fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu');
    const start = fc.integer({ min: at('2024-01-01T00:00Z'), max: at('2027-01-01T00:00Z') });
    const length = fc.integer({ min: 1, max: 400 * DAY_MS });
    fc.assert(
      fc.property(fc.constantFrom('week', 'month'), timeZone, start, length, (period, name, from, long) => {
        const found = bucketEdges({ start: from, end: from + long }, period, zone(name), 1_000) ?? [];
        expect(found[0]).toBeLessThanOrEqual(from);
        expect(found[1]).toBeGreaterThan(from);
        expect(found.at(-1)).toBeGreaterThanOrEqual(from + long);
        expect(found.at(-2)).toBeLessThan(from + long);
        const shown = new Intl.DateTimeFormat('en-GB', {
          ...{ timeZone: name, weekday: 'short', day: 'numeric', hour: 'numeric', minute: 'numeric' },
        });
        for (const edge of found) {
          const parts = Object.fromEntries(shown.formatToParts(edge).map(({ type, value }) => [type, value]));
          expect([parts['hour'], parts['minute']]).toEqual(['00', '00']);
          expect(period === 'week' ? parts['weekday'] : parts['day']).toBe(period === 'week' ? 'Mon' : '1');
        }
      }),
      { numRuns: 100 },
    );
  });

  test('more than is allowed is refused', () => {
    const range = { start: at('2026-01-01T00:00Z'), end: at('2026-01-02T00:00Z') };
    expect(bucketEdges(range, HOUR_MS, zone('UTC'), 24)).toHaveLength(25);
    expect(bucketEdges(range, HOUR_MS, zone('UTC'), 23)).toBeNull();
    expect(bucketEdges({ start: 0, end: 9e14 }, 1000, zone('Europe/Berlin'), 1000)).toBeNull();
    expect(bucketEdges({ start: 0, end: 9e14 }, 'month', zone('Europe/Berlin'), 1000)).toBeNull();
  });

  test('whatever the zone and width: ascending, around the range, on the clock', () => {
    const width = fc.constantFrom(1000, 7 * MINUTE_MS, 30 * MINUTE_MS, HOUR_MS, 6 * HOUR_MS, DAY_MS, 7 * DAY_MS);
    const timeZone = fc.constantFrom(
      'UTC',
      'Europe/Berlin',
      'America/New_York',
      'Australia/Lord_Howe',
      'Asia/Kathmandu',
    );
    const start = fc.integer({ min: at('2024-01-01T00:00Z'), max: at('2027-01-01T00:00Z') });
    fc.assert(
      fc.property(width, timeZone, start, fc.integer({ min: 1, max: 300 }), (wide, name, from, count) => {
        const end = from + Math.ceil((wide * count) / 3);
        const clock = zone(name);
        const found = bucketEdges({ start: from, end }, wide, clock, 10_000) ?? [];
        expect(found[0]).toBeLessThanOrEqual(from);
        expect(found[1]).toBeGreaterThan(from);
        expect(found.at(-1)).toBeGreaterThanOrEqual(end);
        expect(found.at(-2)).toBeLessThan(end);
        for (const [index, edge] of found.entries()) {
          const onClock = (edge + clock.offsetAt(edge)) % wide === 0;
          expect(onClock || clock.offsetAt(edge) !== clock.offsetAt(edge - 1)).toBe(true);
          if (index > 0) expect(edge).toBeGreaterThan(found[index - 1] as number);
        }
      }),
      { numRuns: 200 },
    );
  });
});

test.each<readonly [string, Interval | null]>([
  ['1s', 1000],
  ['5m', 300_000],
  ['90d', 90 * DAY_MS],
  ['91d', null],
  ['0s', null],
  ['1w', 'week'],
  ['1mo', 'month'],
  ['2w', null],
  ['auto', null],
])('the interval %s is %j', (text, width) => {
  expect(parseInterval(text)).toBe(width);
  if (width !== null) expect(formatInterval(width)).toBe(text);
});

test.each<readonly [number, Interval]>([
  [DAY_MS, 5 * MINUTE_MS],
  [30 * DAY_MS, 2 * HOUR_MS],
  [60_000, 1000],
  [3_000 * DAY_MS, 'week'],
  [3_660 * DAY_MS, 'month'],
])('auto cuts %i ms into intervals of %j', (range, width) => {
  expect(autoInterval(0, range)).toBe(width);
});
