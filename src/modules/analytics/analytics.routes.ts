import { MANAGEMENT } from '#kernel/access.ts';
import { toIso } from '#kernel/clock.ts';
import { instantOf } from '#kernel/instant.ts';
import { deviceErrors } from '#modules/devices/index.ts';
import { type HttpRoutes, principalOf } from '#platform/http/http.port.ts';
import type { AggregationService } from './aggregation.service.ts';
import { analyticsErrors } from './analytics.errors.ts';
import { BucketsQuery, BucketsResponse, DeviceParams } from './analytics.schemas.ts';
import type { AskedRange } from './ranges.ts';

const tags = ['analytics'];

/** `/api/v1/analytics/telemetry` */
export function createBucketRoutes(aggregation: AggregationService): HttpRoutes {
  return (app) => {
    app.get(
      '/telemetry/:device_id',
      {
        config: {
          access: MANAGEMENT,
          problems: [
            deviceErrors.device_not_found,
            analyticsErrors.invalid_analysis_range,
            analyticsErrors.invalid_analysis_query,
            analyticsErrors.too_many_buckets,
          ],
        },
        schema: {
          tags,
          operationId: 'aggregateTelemetry',
          summary: 'Telemetry in buckets of time',
          description:
            'Aggregates metrics bucket by bucket, on the clock of a time zone. Long ranges are answered from roll-ups, ' +
            'and are right at every instant, also for what came late. Buckets × metrics: 5,000 at the most.',
          params: DeviceParams,
          querystring: BucketsQuery,
          response: { 200: BucketsResponse },
        },
      },
      async (request) => {
        const { start: _, end: __, metrics, fill, source, ...query } = request.query;
        const { device_id } = request.params;
        const found = await aggregation.aggregate(principalOf(request), device_id, {
          ...query,
          ...askedRange(request.query),
          ...(metrics === undefined ? {} : { metrics: metrics.split(',').map((name) => name.trim()) }),
          ...(fill === undefined ? {} : { fill: fill as 'null' }),
          source: source as 'auto',
        });
        return {
          ...found,
          device_id,
          start: toIso(found.start),
          end: toIso(found.end),
          buckets: found.buckets.map((bucket) => ({ ...bucket, timestamp: toIso(bucket.timestamp) })) as never,
        };
      },
    );
  };
}

export function askedRange({ start, end }: { readonly start?: string; readonly end?: string }): AskedRange {
  return {
    ...(start === undefined ? {} : { start: instantOf(start) }),
    ...(end === undefined ? {} : { end: instantOf(end) }),
  };
}
