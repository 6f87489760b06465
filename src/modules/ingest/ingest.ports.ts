import { INSTANT_FORM } from '#kernel/instant.ts';
import type { Channel } from '#platform/channels/channel.port.ts';
import { MAX_AHEAD_MS, type TimestampLimits } from '#platform/channels/payloads.port.ts';

/** Limits on what a device may send. Defaults are those of the contract; time stamps may be as old as the retention. */
export interface IngestLimits extends TimestampLimits {
  readonly maxPayloadBytes: number;
  readonly maxItems: number;
  readonly maxMetrics: number;
  /** Metric names that a device may have; those that it does not send any more make room after a month. */
  readonly maxNames: number;
  readonly maxStringBytes: number;
  /** Items a second and device above which it is slowed; null for no limit. */
  readonly maxRatePerDevice: number | null;
  /** Whether that holds back acknowledgements of MQTT; if not, it is for HTTP ingest alone. */
  readonly isMqttPaced: boolean;
}

export const DEFAULT_INGEST_LIMITS: IngestLimits = {
  maxPayloadBytes: 64 * 1024,
  maxItems: 1_000,
  maxMetrics: 100,
  maxNames: 1_000,
  maxStringBytes: 1_024,
  maxAheadMs: MAX_AHEAD_MS,
  maxAgeMs: 365 * 86_400_000,
  maxRatePerDevice: null,
  isMqttPaced: true,
};

/** Why an item was not stored, on any channel. */
const INGEST_REASONS = {
  payload_too_large: 'the payload is larger than the limit',
  invalid_utf8: 'the payload is not UTF-8',
  invalid_json: 'the payload is not JSON',
  invalid_unicode: 'a text or a name holds half a surrogate pair, which is no Unicode',
  too_many_items: 'the array holds more items than the limit',
  not_an_object: 'an item is not a JSON object',
  unknown_field: 'an item has a field that is not known',
  metrics_missing: 'an item has a timestamp but no metrics object',
  empty_metrics: 'an item has no metric',
  too_many_metrics: 'an item has more metrics than the limit',
  invalid_metric_name: 'a metric name is not accepted',
  invalid_value: 'a value is neither a finite number, a boolean nor a string',
  integer_too_large: 'a whole number is beyond 2^53 and would be rounded: send it as a string',
  string_too_long: 'a string is longer than the limit',
  invalid_timestamp: `a timestamp is neither ${INSTANT_FORM}, nor epoch seconds or milliseconds`,
  timestamp_in_future: 'a timestamp is too far ahead',
  timestamp_too_old: 'a timestamp is older than what is kept',
  too_many_names: 'the device has as many metric names as it may have, and the item would bring it a new one',
  sample_full: 'the sample of that time stamp has no room for further metrics',
  not_storable: 'the store refuses the item, although it takes others; it is in the log of the server',
  internal_error: 'the server failed on the item, by a fault of its own; it is in the log of the server',
  forbidden_topic: 'the topic is not one of this device',
} as const;

/** Of the ingest path itself, or of a channel. */
export type RejectReason = keyof typeof INGEST_REASONS | (string & {});

/** What became of one item, in the order in which the items were given. */
export type ItemOutcome = 'stored' | 'merged' | RejectReason;

/** Reason → its meaning. Part of the contract: shown in the ledger and in the answer of HTTP ingest. */
export function rejectReasons(channels: readonly Channel[]): Readonly<Record<string, string>> {
  return Object.assign({}, INGEST_REASONS, ...channels.map(({ reasons }) => reasons));
}

/** The fast lane: it has no sinks, its samples go straight into the store of telemetry. */
export const TELEMETRY = 'telemetry';
