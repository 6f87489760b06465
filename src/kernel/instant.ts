import { commonErrors } from './errors.ts';

/** What is accepted, for people; follows "must be". */
export const INSTANT_FORM =
  'an RFC 3339 time stamp that exists, with seconds and an offset, such as 2026-11-25T21:41:08Z or ' +
  '2026-11-25T21:41:08.250+09:00';

/** The space before the offset is a `+` that was not encoded in a query. */
const SHAPE = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+\- ]\d\d:\d\d)$/;
const [DOT, MINUS] = [0x2e, 0x2d];
/** The calendar repeats after 400 years. `Date.UTC` would take the years 0 to 99 for 1900 to 1999. */
const FOUR_CENTURIES_MS = 146_097 * 86_400_000;

/**
 * The only way from text to a time: RFC 3339, with a space for the `T` if one likes. Finer than a millisecond is cut off.
 * By hand, because `Date.parse` takes 30 February for 2 March and a missing offset for the machine's zone; and because
 * it runs once a message at full rate.
 * @returns epoch milliseconds; null when the text is no such time, or one that does not exist
 */
export function parseInstant(text: string): number | null {
  if (!SHAPE.test(text)) return null;
  const year = twoDigits(text, 0) * 100 + twoDigits(text, 2);
  const month = twoDigits(text, 5);
  const day = twoDigits(text, 8);
  const hour = twoDigits(text, 11);
  const minute = twoDigits(text, 14);
  const second = twoDigits(text, 17);
  if (month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59) return null;
  if (day > 28 && day > daysOf(year, month)) return null;
  const offset = offsetOf(text);
  if (offset === null) return null;
  const local = Date.UTC(year + 400, month - 1, day, hour, minute, second, millisecondsOf(text));
  return local - FOUR_CENTURIES_MS - offset * 60_000;
}

/**
 * Of a text that a schema with `format: 'date-time'` has let through.
 * @throws AppError `invalid_input`
 */
export function instantOf(text: string): number {
  const epochMs = parseInstant(text);
  if (epochMs === null) throw commonErrors.invalid_input({ detail: `A time stamp must be ${INSTANT_FORM}.` });
  return epochMs;
}

function twoDigits(text: string, at: number): number {
  return (text.charCodeAt(at) - 48) * 10 + text.charCodeAt(at + 1) - 48;
}

function daysOf(year: number, month: number): number {
  return new Date(Date.UTC(year + 400, month, 0)).getUTCDate();
}

function millisecondsOf(text: string): number {
  if (text.charCodeAt(19) !== DOT) return 0;
  let ms = 0;
  for (let [at, unit] = [20, 100]; unit >= 1; at += 1, unit /= 10) {
    const digit = text.charCodeAt(at) - 48;
    // Digits are followed by `Z` or an offset.
    if (digit < 0 || digit > 9) break;
    ms += digit * unit;
  }
  return ms;
}

/** In minutes; null when it is none. */
function offsetOf(text: string): number | null {
  if (text.endsWith('Z') || text.endsWith('z')) return 0;
  const at = text.length - 6;
  const hours = twoDigits(text, at + 1);
  const minutes = twoDigits(text, at + 4);
  if (hours > 23 || minutes > 59) return null;
  return (hours * 60 + minutes) * (text.charCodeAt(at) === MINUS ? -1 : 1);
}
