import { type TProperties, Type } from 'typebox';
import { toIso } from '#kernel/clock.ts';
import { DEVICE_STATUSES } from '#modules/devices/index.ts';
import {
  Id,
  Instant,
  Nullable,
  PageOf,
  pageQuery,
  SeveralOf,
  Strict,
  searchQuery,
  sortQuery,
} from '#platform/http/http.schemas.ts';
import { ANALYSIS_TYPES, type AnalysisResult, DEFAULT_THRESHOLD, DEFAULT_WINDOW } from './analytics.ports.ts';
import { AggregateValue, rangeQuery, Source } from './analytics.schemas.ts';
import { DIRECTIONS } from './statistics/trend.ts';

const MetricName = Type.String({
  minLength: 1,
  maxLength: 64,
  description: 'Name of the metric',
  examples: ['temperature'],
});
const number = (description: string, example: number) => Type.Number({ description, examples: [example] });
const maybe = (description: string, example: number) => Nullable(number(description, example));
const whole = (description: string, example: number) => Type.Integer({ minimum: 0, description, examples: [example] });

export const RangeQuery = Strict(rangeQuery);

const trend = {
  sample_count: whole('Numeric samples', 86_400),
  slope_per_hour: maybe('Change an hour; null below two samples at different times', 0.12),
  intercept: maybe('Value of the line at `start`', 20.3),
  r2: maybe('Part of the variance that the line explains; null when all values are the same', 0.87),
  residual_stddev: maybe('Standard deviation of the values about the line, n − 2', 0.31),
  direction: Type.Enum([...DIRECTIONS], {
    description: '`stable` unless the slope differs from 0 at the 95 % level and r2 is 0.1 or more',
  }),
  forecast: Type.Array(
    Strict('ForecastPoint', {
      timestamp: Instant,
      value: number('Value of the line', 23.1),
      lower: maybe('95 % of new values lie above', 22.4),
      upper: maybe('95 % of new values lie below', 23.8),
    }),
    { description: 'The line beyond `end`, with its band' },
  ),
};

const anomalies = {
  sample_count: whole('Numeric samples', 86_400),
  mean: maybe('Of all samples', 21.4),
  stddev: maybe('Of all samples, n − 1', 0.8),
  total: whole('Outliers in the range', 2),
  items: Type.Array(
    Strict('Anomaly', {
      timestamp: Instant,
      value: number('The outlier', 40.2),
      moving_average: maybe('Mean of the values before it; null for the first ones', 21.3),
      moving_z_score: maybe('Distance from that in their standard deviations; null when they are all the same', 9.4),
      z_score: maybe('Distance from the mean of all in its standard deviations', 7.1),
      methods: Type.Array(Type.Enum(['moving_average', 'z_score']), { description: 'Which of the two calls it one' }),
    }),
    { description: 'By time, the first of them' },
  ),
};

const status = {
  uptime_ratio: maybe('Time ONLINE by all known time but MAINTENANCE', 0.998),
  seconds_in_status: Strict(
    'SecondsInStatus',
    Object.fromEntries(DEVICE_STATUSES.map((each) => [each, number('Seconds', 86_000)])) as Record<
      (typeof DEVICE_STATUSES)[number],
      ReturnType<typeof number>
    >,
    { description: 'Seconds in each status' },
  ),
  seconds_unknown: number('Seconds in which the server did not run: in none of the others', 0),
  transitions: whole('Changes of status', 4),
  failures: whole('Changes from ONLINE to OFFLINE or ERROR, but those by a stop of the server', 2),
  mtbf_hours: maybe('Mean time between failures: time ONLINE by failures; null without one', 11.9),
  current_status: Type.Enum([...DEVICE_STATUSES], {
    title: 'DeviceStatus',
    description: 'Status now, whatever the range',
  }),
  current_since: Nullable(Instant),
};

const ranged = { device_id: Id, start: Instant, end: Instant };

export const StatusResponse = Strict('DeviceUptime', { ...ranged, ...status });

export const TrendQueryParams = Strict({
  ...rangeQuery,
  metric: MetricName,
  forecast_hours: Type.Number({
    minimum: 0,
    maximum: 8_784,
    default: 24,
    description: 'How far beyond `end` the forecast reaches, in 12 steps; 0: none',
  }),
  source: Source,
});
export const TrendResponse = Strict('Trend', { ...ranged, metric: MetricName, ...trend });

export const AnomaliesQueryParams = Strict({
  ...rangeQuery,
  metric: MetricName,
  window: Type.Integer({
    minimum: 2,
    maximum: 10_000,
    default: DEFAULT_WINDOW,
    description: 'Values before it that one is compared with',
  }),
  threshold: Type.Number({
    exclusiveMinimum: 0,
    maximum: 100,
    default: DEFAULT_THRESHOLD,
    description: 'Standard deviations beyond which a value is an outlier',
  }),
  limit: Type.Integer({ minimum: 1, maximum: 1_000, default: 100, description: 'Outliers in the answer' }),
});
export const AnomaliesResponse = Strict('Anomalies', {
  ...ranged,
  metric: MetricName,
  window: Type.Integer({ description: 'As asked', examples: [20] }),
  threshold: Type.Number({ description: 'As asked', examples: [3] }),
  ...anomalies,
});

export const ReportBody = Strict('NewReport', {
  start: Type.String({ format: 'date-time', description: 'Inclusive', examples: ['2026-11-21T00:00:00Z'] }),
  end: Type.String({ format: 'date-time', description: 'Exclusive', examples: ['2026-11-22T00:00:00Z'] }),
});

const Report = Strict(
  'Report',
  {
    status: Strict('ReportedStatus', status, { description: 'As of `GET /analytics/status`' }),
    metrics: Type.Record(
      Type.String(),
      Strict('ReportedMetric', {
        summary: Type.Record(Type.String(), AggregateValue, {
          description: 'count, avg, min, max, stddev, p50, p95, first, last',
          examples: [{ count: 86_400, avg: 21.4 }],
        }),
        trend: nullableObject('ReportedTrend', trend, 'Null for a metric without numbers'),
        anomalies: nullableObject(
          'ReportedAnomalies',
          anomalies,
          'Null for a metric without numbers, or with more than 200,000',
        ),
      }),
      { description: 'Metric → what is to be said of it' },
    ),
    metrics_left_out: whole('Metrics beyond the first twenty by name', 0),
  },
  { description: 'The report' },
);

function nullableObject<T extends TProperties>(name: string, properties: T, description: string) {
  return Type.Union([Strict(name, properties, { description }), Type.Null()], { description });
}

export const ResultView = Strict('AnalysisResult', {
  id: Type.String({ description: 'Id of the result', examples: ['daily:7:2026-11-21'] }),
  analysis_type: Type.Enum([...ANALYSIS_TYPES], {
    title: 'AnalysisType',
    description: '`report`: asked for; `daily`: of the day before; `device`: by the job analyze_device',
  }),
  ...ranged,
  created_at: Instant,
  result: Report,
});

export const ResultsQueryParams = Strict({
  ...pageQuery,
  ...sortQuery(['created_at']),
  ...searchQuery,
  analysis_type: SeveralOf(Type.Enum([...ANALYSIS_TYPES], { title: 'AnalysisType', description: 'Only this type' })),
  device_id: SeveralOf({ ...Id, description: 'Only this device' }),
});

export const ResultsPage = PageOf(ResultView);

export function presentResult(stored: AnalysisResult) {
  const { start, end, created_at, ...rest } = stored;
  return { ...rest, start: toIso(start), end: toIso(end), created_at: toIso(created_at) } as never;
}
