import type { DeviceStatus, StatusSource } from '#modules/devices/index.ts';

/** A change of a device's status, as its log tells it. `at` is epoch milliseconds. */
export interface StatusChangeRecord {
  readonly at: number;
  readonly from: DeviceStatus;
  readonly to: DeviceStatus;
  readonly source: StatusSource;
}

/** What other modules may ask of what devices said. */
export interface TelemetryApi {
  /**
   * The changes from `start` to before `end` by time, the first 10,000; and the last one before `start`, null when
   * the log, which is kept for 90 days, knows none. A device may log an event of the same name itself: it is none.
   */
  statusChanges(
    deviceId: number,
    range: { readonly start: number; readonly end: number },
  ): Promise<{ readonly before: StatusChangeRecord | null; readonly changes: readonly StatusChangeRecord[] }>;
}
