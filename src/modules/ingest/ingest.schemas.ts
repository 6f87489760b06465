import { Type } from 'typebox';
import { METRIC_NAME, Timestamp } from '#platform/channels/payloads.port.ts';
import { Id, Instant, Strict } from '#platform/http/http.schemas.ts';

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

export const LedgerParams = Strict({ device_id: Id });

const counts = {
  received: Type.Integer({ description: 'stored + merged + all rejected + in_flight' }),
  stored: Type.Integer({ description: 'New records' }),
  merged: Type.Integer({ description: 'Met a record of the same time, e.g. a redelivery' }),
  rejected: Type.Record(Type.String(), Type.Integer(), {
    description: 'Reason → count',
    examples: [{ invalid_json: 2 }],
  }),
  in_flight: Type.Integer({ description: 'Received, not yet committed, not yet acknowledged' }),
};

export const LedgerResponse = Strict('Ledger', { device_id: Id, ...counts });

export const LedgerTotals = Strict('LedgerTotals', {
  ...counts,
  counted_at: { ...Instant, description: 'When they were counted: two of them tell a rate' },
});

/** @param channels by name */
export const ingestParams = (channels: readonly string[]) =>
  Strict({ kind: Type.Enum([...channels], { description: 'The MQTT topic’s last level' }) });

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
