import type { LatestValue, Metrics } from './telemetry.port.ts';

/** Metric → the newest value in a batch. Without a prototype: a metric may be called `constructor`. */
export type LatestValues = Record<string, LatestValue>;

export const noValues = (): LatestValues => Object.create(null) as LatestValues;

/** Of two with one time stamp the later noted wins. */
export function noteLatest(values: LatestValues, metrics: Metrics, timestamp: number): void {
  for (const name in metrics) {
    const known = values[name] as { value: unknown; timestamp: number } | undefined;
    if (known === undefined) {
      values[name] = { value: metrics[name] as LatestValue['value'], timestamp };
    } else if (timestamp >= known.timestamp) {
      known.value = metrics[name];
      known.timestamp = timestamp;
    }
  }
}
