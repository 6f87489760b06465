/** A time zone as messages ask for one. */
export const TIME_ZONE_FORM = 'a time zone of the IANA database, such as Asia/Seoul';
const LONGEST = 64;

/** Whether there is such a time zone: a name of the IANA database. A mere offset (`+09:00`) is none: it has no summer time. */
export function isTimeZone(name: string): boolean {
  if (name.length > LONGEST || !/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
