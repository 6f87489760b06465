import { type Static, Type } from 'typebox';
import { DEVICE_STATUSES } from '#modules/devices/index.ts';
import { CursorPageOf, Id, Instant, Nullable, SeveralOf, Strict } from '#platform/http/http.schemas.ts';
import { LOG_LEVELS } from './telemetry.levels.ts';

/** Shapes of what devices send; also the AsyncAPI document's messages. */

export const METRIC_NAME = '^[A-Za-z_][A-Za-z0-9_.-]{0,63}$';

const Timestamp = Type.Union(
  [
    Type.String({ description: 'RFC 3339, with seconds and an offset or `Z`' }),
    Type.Number({ description: 'Epoch seconds or milliseconds' }),
  ],
  { description: 'When it was measured; absent: when it was received', examples: ['2026-11-22T19:00:00.000Z'] },
);

const Metrics = Type.Record(
  Type.String({ pattern: METRIC_NAME }),
  Type.Union([Type.Number(), Type.Boolean(), Type.String({ maxLength: 1024 })]),
  { description: 'Metric name → value', examples: [{ temperature: 21.4, door_open: false }], maxProperties: 100 },
);

const Envelope = Strict({ timestamp: Type.Optional(Timestamp), metrics: Metrics });
const Item = Type.Union([Envelope, Metrics]);

export const TelemetryPayload = Type.Union([Item, Type.Array(Item, { minItems: 1, maxItems: 1000 })], {
  description: '`{timestamp?, metrics}`, the metrics object alone, or an array of either',
});

export const StatusPayload = Strict({
  status: Type.Enum([...DEVICE_STATUSES]),
  firmware_version: Type.Optional(Type.String({ maxLength: 64 })),
  ip_address: Type.Optional(Type.String({ maxLength: 45 })),
  timestamp: Type.Optional(Timestamp),
});
export type StatusPayload = Static<typeof StatusPayload>;

export const LogPayload = Strict({
  event_type: Type.String({ minLength: 1, maxLength: 64 }),
  level: Type.Optional(
    Type.String({
      maxLength: 32,
      description: `${LOG_LEVELS.join(', ')}, in any case; also the names of syslog, \`warn\`, \`fatal\` and \`trace\``,
      examples: ['warning'],
    }),
  ),
  message: Type.Optional(Type.String({ maxLength: 4096 })),
  payload: Type.Optional(Type.Unknown()),
  timestamp: Type.Optional(Timestamp),
});
export type LogPayload = Static<typeof LogPayload>;

export const ResponsePayload = Strict({
  command_id: Type.String({ minLength: 1, maxLength: 64 }),
  status: Type.Enum(['success', 'error']),
  result: Type.Optional(Type.Unknown()),
  error: Type.Optional(Type.String({ maxLength: 4096 })),
});

/** Answers of the HTTP API. */

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

export const LedgerResponse = Strict('Ledger', {
  device_id: Id,
  received: Type.Integer({ description: 'stored + merged + all rejected + in_flight' }),
  stored: Type.Integer({ description: 'New records' }),
  merged: Type.Integer({ description: 'Met a record of the same time, e.g. a redelivery' }),
  rejected: Type.Record(Type.String(), Type.Integer(), {
    description: 'Reason → count',
    examples: [{ invalid_json: 2 }],
  }),
  in_flight: Type.Integer({ description: 'Received, not yet committed, not yet acknowledged' }),
});

export const IngestParams = Strict({
  kind: Type.Enum(['telemetry', 'status', 'log', 'response'], { description: 'The MQTT topic’s last level' }),
});

/** Without a type: each item is judged on its own, and a bad one is in the answer instead of failing the request. */
export const IngestBody = {
  content: {
    'application/json': {
      schema: Type.Unsafe<unknown>({
        title: 'Payload or array of payloads',
        description: 'What the device would publish on the MQTT topic of this kind, or an array of up to 1000 of it',
        examples: [{ timestamp: '2026-11-22T19:00:00.000Z', metrics: { temperature: 21.4, door_open: false } }],
      }),
    },
    'application/x-ndjson': {
      schema: Type.Unsafe<unknown>({
        title: 'Payloads, one a line',
        description: 'One payload a line, at most 1000; empty lines are skipped',
        examples: ['{"metrics":{"temperature":21.4}}\n{"metrics":{"temperature":21.5}}\n'],
      }),
    },
  },
};

export const IngestResponse = Strict('IngestResult', {
  stored: Type.Integer({ description: 'New records', examples: [998] }),
  merged: Type.Integer({ description: 'Met a record of the same time', examples: [1] }),
  rejected: Type.Array(
    Strict('RejectedItem', {
      index: Type.Integer({ description: 'From 0', examples: [17] }),
      reason: Type.String({ description: 'Why, as in the ledger', examples: ['invalid_metric_name'] }),
    }),
    { description: 'What was not accepted' },
  ),
});
