import type { BucketStatistics } from '#platform/telemetry/aggregation.port.ts';
import type { MetricValue } from '#platform/telemetry/telemetry.port.ts';

export const FUNCTIONS = [
  'avg',
  'min',
  'max',
  'sum',
  'count',
  'first',
  'last',
  'stddev',
  'p50',
  'p90',
  'p95',
  'p99',
] as const;
export type AggregateFunction = (typeof FUNCTIONS)[number];

export type AggregateValue = MetricValue | null;

export const PERCENTILES: Readonly<Partial<Record<AggregateFunction, number>>> = {
  p50: 0.5,
  p90: 0.9,
  p95: 0.95,
  p99: 0.99,
};

/** Which functions are wanted of which metric. */
export interface Wanted {
  readonly of: (metric: string) => readonly AggregateFunction[];
  /** All that are wanted of any. */
  readonly all: ReadonlySet<AggregateFunction>;
}

const isFunction = (name: string): name is AggregateFunction => FUNCTIONS.some((each) => each === name);

/**
 * Reads `avg,max,humidity:p95`: names alone are for every metric, `metric:name` for that metric instead of them.
 * @returns the first part that is neither
 */
export function parseWanted(text: string): Wanted | { readonly unknown: string } {
  const common: AggregateFunction[] = [];
  const own = new Map<string, AggregateFunction[]>();
  for (const part of text.split(',').map((each) => each.trim())) {
    const colon = part.lastIndexOf(':');
    const name = part.slice(colon + 1);
    if (!isFunction(name) || colon === 0) return { unknown: part };
    if (colon < 0) common.push(name);
    else own.set(part.slice(0, colon), [...(own.get(part.slice(0, colon)) ?? []), name]);
  }
  return {
    of: (metric) => own.get(metric) ?? common,
    all: new Set([...common, ...[...own.values()].flat()]),
  };
}

/** The value of a function in a bucket; null when the metric has no numeric value there. */
export function bucketValue(
  name: AggregateFunction,
  row: BucketStatistics,
  percentiles: readonly number[],
): AggregateValue {
  switch (name) {
    case 'count':
      return row.count;
    case 'first':
      return row.first;
    case 'last':
      return row.last;
    default:
  }
  if (row.n === 0) return null;
  switch (name) {
    case 'avg':
      return row.sum / row.n;
    case 'min':
      return row.min;
    case 'max':
      return row.max;
    case 'sum':
      return row.sum;
    case 'stddev':
      return sampleDeviation(row);
    default:
      return row.percentiles[percentiles.indexOf(PERCENTILES[name] as number)] ?? null;
  }
}

/** Of the sample, with n − 1; null below two values. */
function sampleDeviation({ n, m2 }: Pick<BucketStatistics, 'n' | 'm2'>): number | null {
  return n < 2 ? null : Math.sqrt(Math.max(0, m2) / (n - 1));
}
