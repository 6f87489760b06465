const MINUTE_MS = 60_000;

/** One part of each day in which offers are made; over midnight when it ends before it begins. */
export interface Window {
  /** `HH:MM`. */
  readonly from: string;
  readonly to: string;
}

export interface Stage {
  /** Of the devices of the campaign, all stages before included: 1 to 100. */
  readonly percent?: number;
  /** The same as a number of devices. */
  readonly devices?: number;
}

/** Whether offers may be made now. No windows: always. @param zone IANA name */
export function isWithin(windows: readonly Window[], zone: string, at: number): boolean {
  return windows.length === 0 || createWindowClock(windows, zone).isWithin(at);
}

/**
 * When offers may be made next: now, or when the next window opens. The clocks of a zone may be put forward over the beginning
 * of a window, which opens then; or back, and it opens twice.
 * @param zone IANA name
 */
export function nextOpening(windows: readonly Window[], zone: string, at: number): number {
  const clock = createWindowClock(windows, zone);
  if (windows.length === 0 || clock.isWithin(at)) return at;
  const end = at + SEARCHED_MS;
  const [before, after] = [clock.offsetAt(at), clock.offsetAt(end)];
  const today = Math.floor((at + before) / DAY_MS) * DAY_MS;
  const candidates = windows.flatMap(({ from }) =>
    [0, 1, 2].flatMap((day) =>
      [before, after].map((offset) => today + day * DAY_MS + minutesOf(from) * MINUTE_MS - offset),
    ),
  );
  if (before !== after) candidates.push(clock.changeBetween(at, end));
  return Math.min(...candidates.filter((each) => each > at && clock.isWithin(each)));
}

/** Each window opens once in this, whatever clocks do. */
const SEARCHED_MS = 49 * 3_600_000;
const DAY_MS = 86_400_000;

function createWindowClock(windows: readonly Window[], zone: string) {
  const format = new Intl.DateTimeFormat('en-GB', {
    ...{ year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
    timeZone: zone,
  });
  // As `24/11/2026, 22:05`.
  const read = (at: number) => format.format(at);
  /** How far it is ahead of UTC, in whole minutes. */
  function offsetAt(at: number): number {
    const text = read(at);
    const [day, month, year] = text.slice(0, 10).split('/').map(Number) as [number, number, number];
    const local = Date.UTC(year, month - 1, day) + minutesOf(text.slice(-5)) * MINUTE_MS;
    return local - Math.floor(at / MINUTE_MS) * MINUTE_MS;
  }
  return {
    offsetAt,
    isWithin(at: number): boolean {
      const text = read(at).slice(-5);
      return windows.some(({ from, to }) => (from <= to ? text >= from && text < to : text >= from || text < to));
    },
    /** When the offset changes, to the minute; it does so once. */
    changeBetween(start: number, end: number): number {
      const before = offsetAt(start);
      let [low, high] = [Math.floor(start / MINUTE_MS), Math.floor(end / MINUTE_MS)];
      while (high - low > 1) {
        const middle = Math.floor((low + high) / 2);
        if (offsetAt(middle * MINUTE_MS) === before) low = middle;
        else high = middle;
      }
      return high * MINUTE_MS;
    },
  };
}

/** @param time `HH:MM` */
function minutesOf(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
}

/** How many devices may be released up to this stage, the last one always all. */
export function boundaryOf(stages: readonly Stage[], index: number, total: number): number {
  const stage = stages[index];
  if (stage === undefined || index >= stages.length - 1) return total;
  const wanted = stage.devices ?? Math.ceil(((stage.percent ?? 100) / 100) * total);
  return Math.min(Math.max(wanted, 1), total);
}

export interface Pace {
  /** Since when `used` is counted, epoch milliseconds. */
  readonly since: number;
  readonly used: number;
}

/** How many offers the pace has left now. @param perMinute null: no limit */
export function paceAt(
  pace: Pace,
  perMinute: number | null,
  at: number,
): { readonly pace: Pace; readonly left: number } {
  const current = at - pace.since >= MINUTE_MS ? { since: at, used: 0 } : pace;
  return { pace: current, left: perMinute === null ? Number.POSITIVE_INFINITY : Math.max(0, perMinute - current.used) };
}
