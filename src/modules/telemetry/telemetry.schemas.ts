import { Type } from 'typebox';
import { CursorPageOf, Id, Instant, Nullable, SeveralOf, Strict } from '#platform/http/http.schemas.ts';
import { LOG_LEVELS } from './log.channel.ts';

export const DeviceParams = Strict({ device_id: Id });

const MetricValue = Type.Union([Type.Number(), Type.Boolean(), Type.String()], {
  description: 'As the device sent it',
  examples: [21.4],
});

export const LatestResponse = Strict('LatestTelemetry', {
  device_id: Id,
  metrics: Type.Record(Type.String(), Strict('LatestValue', { value: MetricValue, timestamp: Instant }), {
    description: 'Metric name → its latest value',
    examples: [{ temperature: { value: 21.4, timestamp: '2026-11-22T19:00:00.000Z' } }],
  }),
});

const seriesQuery = {
  start: Type.Optional(Type.String({ format: 'date-time', description: 'Inclusive; default: the beginning' })),
  end: Type.Optional(Type.String({ format: 'date-time', description: 'Exclusive; default: now' })),
  limit: Type.Integer({ minimum: 1, maximum: 1000, default: 100, description: 'Items in one answer' }),
  cursor: Type.Optional(
    Type.String({ minLength: 1, maxLength: 200, description: '`next_cursor` of the former answer' }),
  ),
  order: Type.Enum(['asc', 'desc'], { default: 'desc', description: 'By time' }),
};

export const HistoryQueryParams = Strict({
  ...seriesQuery,
  metrics: Type.Optional(
    Type.String({
      maxLength: 4096,
      description: 'Only these metrics, comma-separated',
      examples: ['temperature,humidity'],
    }),
  ),
});

export const HistoryResponse = CursorPageOf(
  Strict('TelemetrySample', {
    timestamp: Instant,
    metrics: Type.Record(Type.String(), MetricValue, {
      description: 'Metric name → value',
      examples: [{ temperature: 21.4 }],
    }),
  }),
);

export const LogsQueryParams = Strict({
  ...seriesQuery,
  event_type: SeveralOf(Type.String({ minLength: 1, maxLength: 64, description: 'Only this event type' })),
});

export const LogsResponse = CursorPageOf(
  Strict('DeviceLog', {
    id: Type.String({ description: 'Id of the entry', examples: ['019aa6c4-3c00-7000-8a54-0f3d6a1b2c3d'] }),
    source: Type.Enum(['server', 'device'], {
      title: 'LogSource',
      description: 'Who wrote it: a device may log an event of any type, also one that the server uses',
      examples: ['server'],
    }),
    event_type: Type.String({ description: 'Kind of event', examples: ['status_changed'] }),
    level: Type.Enum([...LOG_LEVELS], { title: 'LogLevel', description: 'How serious it is', examples: ['info'] }),
    message: Nullable(Type.String({ description: 'For people', examples: ['Battery is low'] })),
    payload: Type.Unknown({ description: 'Whatever the device attached; null when nothing' }),
    timestamp: Instant,
  }),
);
