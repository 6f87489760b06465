import type { DeviceStatus } from '#modules/devices/index.ts';
import type { StatusChangeRecord } from '#modules/telemetry/index.ts';

/** Time in milliseconds. */
export interface Uptime {
  readonly timeIn: Readonly<Record<DeviceStatus, number>>;
  /** ONLINE by all time but MAINTENANCE; null when there is no other. */
  readonly ratio: number | null;
  readonly transitions: number;
  /** From ONLINE to OFFLINE or ERROR. */
  readonly failures: number;
  /** Time ONLINE by failures; null without a failure. */
  readonly meanTimeBetweenFailures: number | null;
}

/**
 * How a device spent the time from `start` to `end`: `initial` until the first change, all by time and inside.
 * Availability and mean time between failures as in MIL-HDBK-338B, sections 5.2 and 5.3.
 */
export function uptimeOf(
  initial: DeviceStatus,
  changes: readonly StatusChangeRecord[],
  { start, end }: { readonly start: number; readonly end: number },
): Uptime {
  const timeIn: Record<DeviceStatus, number> = { ONLINE: 0, OFFLINE: 0, MAINTENANCE: 0, ERROR: 0 };
  let [status, since] = [initial, start];
  let [transitions, failures] = [0, 0];
  for (const { at, to } of changes) {
    timeIn[status] += at - since;
    if (to !== status) transitions += 1;
    if (status === 'ONLINE' && (to === 'OFFLINE' || to === 'ERROR')) failures += 1;
    [status, since] = [to, at];
  }
  timeIn[status] += Math.max(0, end - since);
  const expected = timeIn.ONLINE + timeIn.OFFLINE + timeIn.ERROR;
  return {
    timeIn,
    ratio: expected === 0 ? null : timeIn.ONLINE / expected,
    transitions,
    failures,
    meanTimeBetweenFailures: failures === 0 ? null : timeIn.ONLINE / failures,
  };
}
