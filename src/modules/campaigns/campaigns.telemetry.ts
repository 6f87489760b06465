import type { MetricSummary } from '#modules/telemetry/index.ts';

/* What a metric is for a group of devices, without stores and clocks. */

export const TELEMETRY_AGGREGATES = ['avg', 'min', 'max', 'last', 'sum_per_hour'] as const;
export type TelemetryAggregate = (typeof TELEMETRY_AGGREGATES)[number];

export interface GroupFigure {
  /** Null: it cannot be told. */
  readonly value: number | null;
  /** That it was made of. */
  readonly devices: number;
  /** That were looked at, whether they have said anything or not. */
  readonly asked: number;
}

/** Of one metric in one aggregate. */
export interface TelemetryFigures {
  readonly updated: GroupFigure;
  readonly others: GroupFigure;
}

/** By `telemetryKey`. */
export type TelemetryFacts = ReadonlyMap<string, TelemetryFigures>;

const NOBODY: GroupFigure = { value: null, devices: 0, asked: 0 };
export const NOTHING_MEASURED: TelemetryFigures = { updated: NOBODY, others: NOBODY };

export function telemetryKey(of: { readonly metric: string; readonly aggregate: TelemetryAggregate }): string {
  return `${of.aggregate} ${of.metric}`;
}

/** A device that was updated a moment ago counts as observed for so long: one crash then is not 360 an hour. */
const LEAST_HOURS = 0.25;
const HOUR_MS = 3_600_000;

/**
 * - `avg`, `min`, `max`, `last`: the mean over devices of what it is for each, so that one that talks much counts no more than
 *   another. Devices without values do not count.
 * - `sum_per_hour`: all values added up, by all hours in which the devices were observed; a device without values adds 0.
 * @param observed each device with the start of its time, epoch milliseconds
 */
export function figureOf(
  aggregate: TelemetryAggregate,
  observed: readonly { readonly deviceId: number; readonly start: number }[],
  summaries: readonly MetricSummary[],
  end: number,
): GroupFigure {
  const asked = observed.length;
  if (aggregate === 'sum_per_hour') {
    if (asked === 0) return NOBODY;
    const hours = observed.reduce((all, { start }) => all + Math.max((end - start) / HOUR_MS, LEAST_HOURS), 0);
    return { value: summaries.reduce((all, { sum }) => all + sum, 0) / hours, devices: asked, asked };
  }
  const values = summaries.flatMap((each) => {
    const value = aggregate === 'avg' ? each.sum / each.count : each[aggregate];
    return value === null ? [] : [value];
  });
  if (values.length === 0) return { value: null, devices: 0, asked };
  return { value: values.reduce((all, value) => all + value, 0) / values.length, devices: values.length, asked };
}
