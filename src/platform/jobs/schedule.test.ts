import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createSchedule } from './schedule.ts';

const at = (iso: string) => Date.parse(iso);
const iso = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString().replace(':00.000Z', 'Z'));

function ticks(expression: string, timeZone: string, after: string, count: number): (string | null)[] {
  const schedule = createSchedule(expression, timeZone);
  const found: (number | null)[] = [];
  for (let last: number | null = at(after); found.length < count && last !== null; ) {
    last = schedule.next(last);
    found.push(last);
  }
  return found.map(iso);
}

describe('schedules', () => {
  test('are in local time', () => {
    expect(ticks('0 1 * * *', 'Asia/Seoul', '2026-11-24T12:00Z', 2)).toEqual([
      '2026-11-24T16:00Z',
      '2026-11-25T16:00Z',
    ]);
    expect(ticks('0 3 * * *', 'UTC', '2026-11-24T03:00Z', 1)).toEqual(['2026-11-25T03:00Z']);
  });

  test('what would run in the hour that is missing in spring runs right after it, once', () => {
    const expected = ['2026-03-29T01:00Z', '2026-03-30T00:30Z'];
    expect(ticks('30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00Z', 2)).toEqual(expected);
  });

  test('a fixed time in the hour that comes twice in autumn runs once', () => {
    const expected = ['2026-10-25T00:30Z', '2026-10-26T01:30Z'];
    expect(ticks('30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00Z', 2)).toEqual(expected);
  });

  test('what runs again and again goes on through both changes', () => {
    expect(ticks('*/30 * * * *', 'Europe/Berlin', '2026-10-25T00:00Z', 4)).toEqual(
      ['00:30', '01:00', '01:30', '02:00'].map((time) => `2026-10-25T${time}Z`),
    );
    expect(ticks('0 * * * *', 'Europe/Berlin', '2026-03-29T00:00Z', 3)).toEqual(
      ['01:00', '02:00', '03:00'].map((time) => `2026-03-29T${time}Z`),
    );
  });

  test('the latest tick is the last one up to now, this very millisecond too, and none that was before', () => {
    const { latest } = createSchedule('*/5 * * * *', 'UTC');
    const of = (after: string, now: string) => iso(latest(at(after), at(now)));
    expect(of('2026-11-24T00:00Z', '2026-11-24T03:07:12.345Z')).toBe('2026-11-24T03:05Z');
    expect(of('2026-11-24T00:00Z', '2026-11-24T03:05:00.000Z')).toBe('2026-11-24T03:05Z');
    expect(of('2026-11-24T00:00Z', '2026-11-24T03:04:59.999Z')).toBe('2026-11-24T03:00Z');
    expect(of('2026-11-24T03:05Z', '2026-11-24T03:07Z')).toBeNull();
    const spring = createSchedule('30 2 * * *', 'Europe/Berlin');
    expect(iso(spring.latest(0, at('2026-03-29T12:00Z')))).toBe('2026-03-29T01:00Z');
  });

  test('next and latest agree', () => {
    const zones = ['UTC', 'Asia/Seoul', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe'];
    const expressions = ['0 3 * * *', '30 2 * * *', '*/5 * * * *', '0 * * * *', '15 1 * * 1', '*/7 * * * * *'];
    fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        fc.constantFrom(...expressions),
        fc.integer({ min: at('2026-01-01T00:00Z'), max: at('2027-12-31T00:00Z') }),
        (zone, expression, after) => {
          const { next, latest } = createSchedule(expression, zone);
          const tick = next(after) as number;
          expect(tick).toBeGreaterThan(after);
          expect(latest(after, tick)).toBe(tick);
          expect(latest(after, tick - 1)).toBeNull();
        },
      ),
      { numRuns: 300 },
    );
  });

  test('what is no expression is refused', () => {
    for (const bad of ['', 'daily at three', '* * *', '61 * * * *', '* * * * * * *']) {
      expect(() => createSchedule(bad, 'UTC'), bad).toThrow();
    }
  });
});
