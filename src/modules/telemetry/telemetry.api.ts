import type { DeviceStatus, StatusSource } from '#modules/devices/index.ts';

/** A change of a device's status, as its log tells it. `at` is epoch milliseconds. */
export interface StatusChangeRecord {
  readonly at: number;
  readonly from: DeviceStatus;
  readonly to: DeviceStatus;
  readonly source: StatusSource;
}

/** Whose values, and from when on: epoch milliseconds, inclusive. */
export interface SummaryRange {
  readonly deviceId: number;
  readonly start: number;
}

/** What the numeric values of one metric of a device were; booleans are 1 or 0. */
export interface MetricSummary {
  readonly deviceId: number;
  /** Never 0: a device without values has no summary. */
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  /** The latest value; null: it is a text. */
  readonly last: number | null;
}

/** Devices that `summaries` is asked for at the most. */
export const MOST_SUMMARIES = 200;

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
  /**
   * One metric of up to 200 devices, of each from its own start to before `end`; ranges that are empty are left out.
   * Roll-ups answer what is older than an hour. @throws AppError `unavailable`
   */
  summaries(metric: string, ranges: readonly SummaryRange[], end: number): Promise<readonly MetricSummary[]>;
}
