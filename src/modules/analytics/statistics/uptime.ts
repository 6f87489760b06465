import type { DeviceStatus } from '#modules/devices/index.ts';
import type { StatusChangeRecord } from '#modules/telemetry/index.ts';
import type { Stretch } from '#platform/runs/runs.port.ts';

/** Time in milliseconds. */
export interface Uptime {
  readonly timeIn: Readonly<Record<DeviceStatus, number>>;
  /** In which the server did not run: in none of the others. */
  readonly unknown: number;
  /** ONLINE by all known time but MAINTENANCE; null when there is no other. */
  readonly ratio: number | null;
  readonly transitions: number;
  /** From ONLINE to OFFLINE or ERROR, unless the server itself ended the connection. */
  readonly failures: number;
  /** Time ONLINE by failures; null without a failure. */
  readonly meanTimeBetweenFailures: number | null;
}

/**
 * How a device spent the time from `start` to `end`: `initial` until the first change, all by time and inside. Of what
 * lies in `gaps` (in order, apart from each other) nothing is known.
 * Availability and mean time between failures as in MIL-HDBK-338B, sections 5.2 and 5.3.
 */
export function uptimeOf(
  initial: DeviceStatus,
  changes: readonly StatusChangeRecord[],
  { start, end }: Stretch,
  gaps: readonly Stretch[],
): Uptime {
  const timeIn: Record<DeviceStatus, number> = { ONLINE: 0, OFFLINE: 0, MAINTENANCE: 0, ERROR: 0 };
  let [status, since] = [initial, start];
  let [transitions, failures] = [0, 0];
  let unknown = 0;
  const spend = (from: number, to: number) => {
    const lost = overlap(gaps, from, to);
    unknown += lost;
    timeIn[status] += Math.max(0, to - from) - lost;
  };
  for (const { at, to, source } of changes) {
    spend(since, at);
    if (to !== status) transitions += 1;
    if (status === 'ONLINE' && (to === 'OFFLINE' || to === 'ERROR') && source !== 'server') failures += 1;
    [status, since] = [to, at];
  }
  spend(since, end);
  const expected = timeIn.ONLINE + timeIn.OFFLINE + timeIn.ERROR;
  return {
    timeIn,
    unknown,
    ratio: expected === 0 ? null : timeIn.ONLINE / expected,
    transitions,
    failures,
    meanTimeBetweenFailures: failures === 0 ? null : timeIn.ONLINE / failures,
  };
}

/** How much of the time from `from` to `to` lies in gaps. */
function overlap(gaps: readonly Stretch[], from: number, to: number): number {
  let sum = 0;
  for (const gap of gaps) sum += Math.max(0, Math.min(gap.end, to) - Math.max(gap.start, from));
  return sum;
}
