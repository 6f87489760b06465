import type { Principal } from '#kernel/access.ts';
import type { Clock } from '#kernel/clock.ts';
import type { DevicesApi } from '#modules/devices/index.ts';
import type { Aggregation } from '#platform/telemetry/aggregation.port.ts';
import type { TelemetryStore } from '#platform/telemetry/telemetry.port.ts';
import { analyticsErrors } from './analytics.errors.ts';
import type { TimeRange } from './analytics.ports.ts';
import { bucketEdges } from './buckets/edges.ts';
import { type Column, type Fill, filled } from './buckets/fill.ts';
import { type AggregateValue, bucketValue, PERCENTILES, parseWanted, type Wanted } from './buckets/functions.ts';
import { autoInterval, formatInterval, parseInterval } from './buckets/interval.ts';
import { createZoneClock } from './buckets/time-zone.ts';
import { type AskedRange, invalidQuery, rangeOf } from './ranges.ts';

export interface BucketQuery extends AskedRange {
  /** `5m`, `1w`, `1mo`, or `auto` */
  readonly interval: string;
  /** Absent: all that the device has. */
  readonly metrics?: readonly string[];
  /** `avg,max,humidity:p95` */
  readonly agg: string;
  /** IANA name. */
  readonly tz: string;
  readonly fill?: Fill;
  readonly source: 'auto' | 'raw';
}

export interface Bucket {
  /** Its beginning on the clock, which may be before the range. */
  readonly timestamp: number;
  readonly metrics: Readonly<Record<string, Readonly<Record<string, AggregateValue>>>>;
}

export interface Buckets extends TimeRange, Pick<Aggregation, 'source'> {
  /** Null: none were asked for. */
  readonly percentiles: Aggregation['percentiles'] | null;
  readonly interval: string;
  readonly tz: string;
  readonly buckets: readonly Bucket[];
}

export interface AggregationService {
  /** @throws AppError of the kind `invalid`, or `device_not_found` */
  aggregate(principal: Principal, deviceId: number, query: BucketQuery): Promise<Buckets>;
}

export interface AggregationServiceDependencies {
  readonly telemetry: TelemetryStore;
  readonly devices: Pick<DevicesApi, 'getVisible'>;
  readonly clock: Clock;
}

const MAX_METRICS = 20;
/** Buckets × metrics: more would hold the event loop for too long while they are written. */
const MAX_CELLS = 5_000;

export function createAggregationService(dependencies: AggregationServiceDependencies): AggregationService {
  const { telemetry, devices, clock } = dependencies;

  async function metricsOf(deviceId: number, asked: readonly string[] | undefined): Promise<readonly string[]> {
    const metrics = [...new Set(asked ?? Object.keys(await telemetry.latest(deviceId)).sort())];
    if (metrics.length > MAX_METRICS) {
      throw invalidQuery('metrics', `must name ${MAX_METRICS} metrics at the most, there are ${metrics.length}`);
    }
    return metrics;
  }

  function edgesOf(range: TimeRange, { interval, tz }: BucketQuery, metrics: number) {
    const zone = createZoneClock(tz);
    if (zone === null) throw invalidQuery('tz', 'must be an IANA time zone such as Europe/Berlin');
    const asked = interval === 'auto' ? autoInterval(range.start, range.end) : parseInterval(interval);
    if (asked === null) {
      throw invalidQuery('interval', 'must be auto, 1w, 1mo, or from 1s to 90d such as 5m, 1h or 1d');
    }
    const edges = bucketEdges(range, asked, zone, Math.floor(MAX_CELLS / Math.max(1, metrics)));
    if (edges === null) {
      const message = `must cut the range into ${MAX_CELLS} buckets at the most, all metrics together`;
      throw analyticsErrors.too_many_buckets({ details: { fields: [{ path: '/query/interval', message }] } });
    }
    return { interval: formatInterval(asked), edges };
  }

  return {
    async aggregate(principal, deviceId, query) {
      await devices.getVisible(principal, deviceId);
      const range = rangeOf(query, clock);
      const wanted = parseWanted(query.agg);
      if ('unknown' in wanted) throw invalidQuery('agg', `"${wanted.unknown}" is not a function or metric:function`);
      const metrics = await metricsOf(deviceId, query.metrics);
      const { interval, edges } = edgesOf(range, query, metrics.length);
      const percentiles = [...wanted.all].flatMap((name) => PERCENTILES[name] ?? []).sort((a, b) => a - b);
      const found = await telemetry.aggregate({
        ...{ deviceId, metrics, percentiles },
        edges: [range.start, ...edges.slice(1, -1), range.end],
        moments: wanted.all.has('stddev'),
        source: query.source,
      });
      const buckets = new Map<number, Record<string, Record<string, AggregateValue>>>();
      for (const row of found.rows) {
        const bucket = buckets.get(row.bucket) ?? {};
        buckets.set(row.bucket, bucket);
        bucket[row.metric] = Object.fromEntries(
          wanted.of(row.metric).map((name) => [name, bucketValue(name, row, percentiles)]),
        );
      }
      const { source } = found;
      const accuracy = percentiles.length === 0 ? null : found.percentiles;
      const answer = { ...range, interval, tz: query.tz, source, percentiles: accuracy };
      const times = edges.slice(0, -1);
      if (query.fill !== undefined) return { ...answer, buckets: fillAll(buckets, times, metrics, wanted, query.fill) };
      const inOrder = [...buckets].sort(([a], [b]) => a - b);
      return {
        ...answer,
        buckets: inOrder.map(([index, each]) => ({ timestamp: times[index] as number, metrics: each })),
      };
    },
  };
}

type Found = ReadonlyMap<number, Readonly<Record<string, Readonly<Record<string, AggregateValue>>>>>;

function fillAll(
  found: Found,
  times: readonly number[],
  metrics: readonly string[],
  wanted: Wanted,
  fill: Fill,
): readonly Bucket[] {
  const columns = metrics.map((metric) => {
    const functions = wanted.of(metric).map((name) => {
      const column: Column = times.map((_, index) => found.get(index)?.[metric]?.[name]);
      return [name, filled(name, column, times, fill)] as const;
    });
    return [metric, functions] as const;
  });
  return times.map((timestamp, index) => ({
    timestamp,
    metrics: Object.fromEntries(
      columns.map(([metric, functions]) => [
        metric,
        Object.fromEntries(functions.map(([name, values]) => [name, values[index] as AggregateValue])),
      ]),
    ),
  }));
}
