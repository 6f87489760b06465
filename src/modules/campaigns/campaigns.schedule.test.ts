import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isWithin, nextOpening, type Window } from './campaigns.schedule.ts';

const MINUTE = 60_000;
const at = (text: string) => Date.parse(text);
const iso = (time: number) => new Date(time).toISOString();
const night: readonly Window[] = [{ from: '22:00', to: '05:00' }];

/** Minute by minute. */
function bySearch(windows: readonly Window[], zone: string, from: number): number {
  if (isWithin(windows, zone, from)) return from;
  let time = Math.floor(from / MINUTE) * MINUTE + MINUTE;
  while (!isWithin(windows, zone, time)) time += MINUTE;
  return time;
}

describe('when a window opens next', () => {
  test('is by the clock of the zone, in summer and in winter', () => {
    expect(iso(nextOpening(night, 'Europe/Berlin', at('2026-01-10T12:00:00Z')))).toBe('2026-01-10T21:00:00.000Z');
    expect(iso(nextOpening(night, 'Europe/Berlin', at('2026-07-10T12:00:00Z')))).toBe('2026-07-10T20:00:00.000Z');
    expect(iso(nextOpening(night, 'Asia/Seoul', at('2026-07-10T12:59:30Z')))).toBe('2026-07-10T13:00:00.000Z');
    expect(iso(nextOpening(night, 'Asia/Kolkata', at('2026-07-10T12:00:00Z')))).toBe('2026-07-10T16:30:00.000Z');
    const open = at('2026-01-10T22:30:00Z');
    expect(nextOpening(night, 'Europe/Berlin', open)).toBe(open);
    expect(nextOpening([], 'Europe/Berlin', open)).toBe(open);
  });

  test('over the night in which clocks are put forward, it opens when they are', () => {
    // Berlin, 29 March 2026: after 01:59 comes 03:00.
    const gap: readonly Window[] = [{ from: '02:30', to: '04:00' }];
    expect(iso(nextOpening(gap, 'Europe/Berlin', at('2026-03-29T00:30:00Z')))).toBe('2026-03-29T01:00:00.000Z');
    expect(iso(nextOpening(gap, 'Europe/Berlin', at('2026-03-28T12:00:00Z')))).toBe('2026-03-29T01:00:00.000Z');
    // One that is only in the hour that is left out opens on the next day.
    const lost: readonly Window[] = [{ from: '02:10', to: '02:50' }];
    expect(iso(nextOpening(lost, 'Europe/Berlin', at('2026-03-29T00:30:00Z')))).toBe('2026-03-30T00:10:00.000Z');
  });

  test('in the night in which they are put back, it opens twice', () => {
    // Berlin, 25 October 2026: after 02:59 comes 02:00.
    const twice: readonly Window[] = [{ from: '02:15', to: '02:30' }];
    const [first, second] = ['2026-10-25T00:15:00.000Z', '2026-10-25T01:15:00.000Z'];
    expect(iso(nextOpening(twice, 'Europe/Berlin', at('2026-10-24T20:00:00Z')))).toBe(first);
    expect(iso(nextOpening(twice, 'Europe/Berlin', at('2026-10-25T00:40:00Z')))).toBe(second);
  });

  test('is what a search minute by minute finds, around every change of the clocks', () => {
    const time = fc
      .tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }))
      .map((parts) => parts.map((part) => String(part).padStart(2, '0')).join(':'));
    const window = fc.record({ from: time, to: time }).filter(({ from, to }) => from !== to);
    const changes = ['2026-03-08', '2026-03-29', '2026-04-05', '2026-10-04', '2026-10-25', '2026-11-01', '2026-06-15'];
    const zones = ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Seoul', 'America/St_Johns', 'UTC'];
    fc.assert(
      fc.property(
        fc.array(window, { minLength: 1, maxLength: 3 }),
        fc.constantFrom(...zones),
        fc.constantFrom(...changes),
        fc.integer({ min: -36 * 3_600, max: 36 * 3_600 }),
        (windows, zone, day, seconds) => {
          const from = at(`${day}T00:00:00Z`) + seconds * 1_000;
          expect(iso(nextOpening(windows, zone, from))).toBe(iso(bySearch(windows, zone, from)));
        },
      ),
      { numRuns: 150 },
    );
  });
});
