import { type AggregationSource, FIVE_MINUTES_MS, HOUR_MS, type HourRollup, MAX_ROLLED_UP_METRICS } from './source.ts';
import { decodeStatistics, encodeStatistics } from './statistics.codec.ts';
import { createStatistics, mergeStatistics, type Statistics } from './statistics.ts';

/** Samples read in one step. */
const STEP = 20_000;

/**
 * Makes the roll-ups of one hour of a device from its samples.
 * @returns null when it has too many metrics to be rolled up
 */
export async function rollUpHour(
  source: Pick<AggregationSource, 'raw'>,
  deviceId: number,
  hour: number,
): Promise<readonly HourRollup[] | null> {
  const edges = Array.from({ length: HOUR_MS / FIVE_MINUTES_MS + 1 }, (_, index) => hour + index * FIVE_MINUTES_MS);
  const metrics = new Map<string, Map<number, Statistics>>();
  for (let from: number | null = hour; from !== null; ) {
    const { cells, next } = await source.raw({
      ...{ deviceId, metrics: null, edges, from, to: hour + HOUR_MS, limit: STEP },
      ...{ moments: true, sketch: true, percentiles: [] },
    });
    for (const { metric, bucket, statistics: given } of cells) {
      const statistics = given instanceof Uint8Array ? decodeStatistics(given) : given;
      const buckets = metrics.get(metric) ?? new Map<number, Statistics>();
      metrics.set(metric, buckets);
      const known = buckets.get(bucket);
      if (known === undefined) buckets.set(bucket, statistics);
      else mergeStatistics(known, statistics);
    }
    if (metrics.size > MAX_ROLLED_UP_METRICS) return null;
    from = next;
  }
  return [...metrics].map(([metric, buckets]) => {
    const whole = createStatistics();
    const fiveMinutes = [...buckets].map(([position, statistics]) => {
      mergeStatistics(whole, statistics);
      return [position, encodeStatistics(statistics)] as const;
    });
    return { metric, hour: encodeStatistics(whole), fiveMinutes };
  });
}
