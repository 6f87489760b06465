import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { instantOf, parseInstant } from './instant.ts';

const T = Date.UTC(2026, 10, 25, 21, 41, 8);

describe('accepted', () => {
  test.each([
    ['2026-11-25T21:41:08Z', T],
    ['2026-11-25T21:41:08.5Z', T + 500],
    ['2026-11-25T21:41:08.25Z', T + 250],
    ['2026-11-25T21:41:08.123456789Z', T + 123],
    ['2026-11-25T21:41:08.9999Z', T + 999],
    ['2026-11-25t21:41:08z', T],
    ['2026-11-25T21:41:08+00:00', T],
    ['2026-11-25T21:41:08-00:00', T],
    ['2026-11-26T06:41:08+09:00', T],
    ['2026-11-25T12:11:08.007-09:30', T + 7],
    ['2026-11-25 21:41:08+00:00', T],
    ['2026-11-25 21:41:08Z', T],
    // As a query delivers `+09:00` that was not encoded.
    ['2026-11-26T06:41:08 09:00', T],
    ['2026-11-26 06:41:08 09:00', T],
    ['2028-02-29T00:00:00Z', Date.UTC(2028, 1, 29)],
    ['2000-02-29T00:00:00Z', Date.UTC(2000, 1, 29)],
    ['1969-12-31T23:59:59.999Z', -1],
    ['0000-01-01T00:00:00Z', -62_167_219_200_000],
    ['0099-12-31T23:59:59Z', -59_011_459_201_000],
    ['9999-12-31T23:59:59-23:59', 253_402_300_799_000 + 1439 * 60_000],
  ])('%s', (text, expected) => {
    expect(parseInstant(text)).toBe(expected);
  });
});

describe('refused', () => {
  test.each([
    '',
    '2026-11-25',
    '2026-11-25T21:41Z',
    '2026-11-25T21:41:08',
    '2026-11-25 21:41:08',
    '2026-11-25T21:41:08+00',
    '2026-11-25T21:41:08 09',
    '2026-11-25T21:41:08+0900',
    '2026-11-25T21:41:08+24:00',
    '2026-11-25T21:41:08+09:60',
    '2026-11-25T21:41:08 +09:00',
    '2026-11-25  21:41:08Z',
    '2026-11-25T21:41:08.Z',
    '2026-11-25T21:41:08,5Z',
    '2026-11-25T21:41:60Z',
    '2016-12-31T23:59:60Z',
    '2026-11-25T24:00:00Z',
    '2026-11-25T21:60:00Z',
    '2026-02-30T00:00:00Z',
    '2026-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-11-00T00:00:00Z',
    '2026-11-32T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '+02026-11-25T21:41:08Z',
    '-000001-01-01T00:00:00Z',
    ' 2026-11-25T21:41:08Z',
    '2026-11-25T21:41:08Z ',
    '2026-11-25T21:41:08Z\n',
    '２０２６-11-25T21:41:08Z',
    '1764106868',
    'Wed, 25 Nov 2026 21:41:08 GMT',
    '2026-W48-3T21:41:08Z',
    'now',
  ])('%j', (text) => {
    expect(parseInstant(text)).toBeNull();
  });

  test('with the accepted form in words', () => {
    expect(() => instantOf('2026-02-30T00:00:00Z')).toThrow(/such as 2026-11-25T21:41:08Z/);
  });
});

describe('for every instant of the four-digit years', () => {
  const [FIRST, LAST] = [Date.parse('0000-01-01T00:00:00Z'), Date.parse('9999-12-31T23:59:59Z')];
  const instants = fc.integer({ min: FIRST, max: LAST });

  test('what JavaScript writes is read back, and an offset tells the same instant', () => {
    fc.assert(
      fc.property(instants, fc.integer({ min: -1439, max: 1439 }), (epochMs, offset) => {
        expect(parseInstant(new Date(epochMs).toISOString())).toBe(epochMs);
        const local = epochMs + offset * 60_000;
        fc.pre(local >= FIRST && local <= LAST);
        const [hours, minutes] = [Math.trunc(Math.abs(offset) / 60), Math.abs(offset) % 60];
        const zone = `${offset < 0 ? '-' : '+'}${pad(hours)}:${pad(minutes)}`;
        expect(parseInstant(new Date(local).toISOString().replace('Z', zone))).toBe(epochMs);
      }),
    );
  });

  const field = fc.integer({ min: 0, max: 99 }).map(pad);
  test('a date and time that do not come back the same do not exist', () => {
    fc.assert(
      fc.property(field, field, field, field, field, (month, day, hour, minute, second) => {
        const text = `2028-${month}-${day}T${hour}:${minute}:${second}.000Z`;
        const native = new Date(text);
        const exists = !Number.isNaN(native.getTime()) && native.toISOString() === text;
        expect(parseInstant(text)).toBe(exists ? native.getTime() : null);
      }),
    );
  });
});

function pad(n: number): string {
  return String(n).padStart(2, '0');
}
