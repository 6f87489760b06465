import { Type } from 'typebox';
import { Id, Instant, Nullable, Strict } from '#platform/http/http.schemas.ts';
import { FILLS } from './buckets/fill.ts';
import { INTERVAL_PATTERN } from './buckets/interval.ts';

export const DeviceParams = Strict({ device_id: Id });

export const rangeQuery = {
  start: Type.Optional(
    Type.String({
      format: 'date-time',
      description: 'Inclusive; default: a day before the end',
      examples: ['2026-11-21T00:00:00Z'],
    }),
  ),
  end: Type.Optional(
    Type.String({ format: 'date-time', description: 'Exclusive; default: now', examples: ['2026-11-22T00:00:00Z'] }),
  ),
};

export const Source = Type.Enum(['auto', 'raw'], {
  default: 'auto',
  description: '`raw`: from the samples alone, with exact percentiles up to 100,000 samples; slow over long ranges',
});

export const BucketsQuery = Strict({
  ...rangeQuery,
  interval: Type.String({
    pattern: INTERVAL_PATTERN,
    'x-accepts': 'a whole number with s, m, h or d, such as 5m; or 1w, 1mo or auto',
    default: 'auto',
    description:
      'Width of the buckets, `1s` to `90d`; calendar weeks from Monday `1w`, months `1mo`; `auto`: about 500 buckets',
    examples: ['5m', '1h', '1d', '1w', '1mo'],
  }),
  metrics: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 2048,
      description: 'Comma-separated, 20 at the most; default: all that the device has',
      examples: ['temperature,humidity'],
    }),
  ),
  agg: Type.String({
    minLength: 1,
    maxLength: 2048,
    default: 'avg,min,max,count',
    description:
      'Comma-separated: avg, min, max, sum, count, first, last, stddev, p50, p90, p95, p99, for every metric; ' +
      '`metric:function` for one metric instead',
    examples: ['avg,max,humidity:p95'],
  }),
  tz: Type.String({
    minLength: 1,
    maxLength: 64,
    default: 'UTC',
    description: 'IANA time zone on whose clock the buckets begin',
    examples: ['Europe/Berlin'],
  }),
  fill: Type.Optional(
    Type.Enum([...FILLS], {
      description: 'What empty buckets hold; without it they are left out',
      examples: ['linear'],
    }),
  ),
  source: Source,
});

export const AggregateValue = Type.Unsafe<number | boolean | string | null>({
  type: ['number', 'boolean', 'string', 'null'],
  description: 'Null without a numeric value; `first` and `last` are as they were sent',
  examples: [21.4],
});

export const BucketsResponse = Strict('Buckets', {
  device_id: Id,
  start: Instant,
  end: Instant,
  interval: Type.String({ description: 'Width of the buckets', examples: ['5m'] }),
  tz: Type.String({ description: 'Zone on whose clock they begin', examples: ['Europe/Berlin'] }),
  source: Type.Enum(['raw', 'rollup', 'mixed'], { description: 'Whether samples, roll-ups or both were read' }),
  percentiles: Nullable(
    Type.Enum(['exact', 'approximate'], {
      description: 'Null when none were asked for. `approximate`: within 1 % of the exact value, relative to it',
    }),
  ),
  buckets: Type.Array(
    Strict('Bucket', {
      timestamp: Type.String({
        format: 'date-time',
        description: 'Beginning of the bucket on the clock; that of the first may be before `start`',
        examples: ['2026-11-22T19:00:00.000Z'],
      }),
      metrics: Type.Record(
        Type.String(),
        Type.Record(Type.String(), AggregateValue, { description: 'Function → value' }),
        { description: 'Metric → function → value', examples: [{ temperature: { avg: 21.4, max: 22.1 } }] },
      ),
    }),
    { description: 'By time; empty ones are left out unless `fill` is given' },
  ),
});
