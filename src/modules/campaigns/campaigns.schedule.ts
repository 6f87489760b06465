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
  if (windows.length === 0) return true;
  const text = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', timeZone: zone }).format(at);
  return windows.some(({ from, to }) => (from <= to ? text >= from && text < to : text >= from || text < to));
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

const MINUTE_MS = 60_000;

/** How many offers the pace has left now. @param perMinute null: no limit */
export function paceAt(
  pace: Pace,
  perMinute: number | null,
  at: number,
): { readonly pace: Pace; readonly left: number } {
  const current = at - pace.since >= MINUTE_MS ? { since: at, used: 0 } : pace;
  return { pace: current, left: perMinute === null ? Number.POSITIVE_INFINITY : Math.max(0, perMinute - current.used) };
}
