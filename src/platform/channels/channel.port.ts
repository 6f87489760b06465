import type { TSchema } from 'typebox';
import type { LoggedDocument, LogsOfBatch, Sample } from '#platform/telemetry/telemetry.port.ts';
import type { Span } from '#platform/tracing/tracing.port.ts';

/**
 * What devices send, beside telemetry, which has a lane of its own. A channel says what a message has to look like; its
 * sinks store it. A device publishes to `devices/{device_uid}/{name}`, or posts to `/api/v1/ingest/{name}`.
 */
export interface Channel<T extends object = object> {
  /** The last level of the topic: lower case letters. */
  readonly name: string;
  /** One sentence for the API documents. */
  readonly description: string;
  /** One message, for the API documents; `parse` is what decides. */
  readonly payload: TSchema;
  /** Why an item of this channel is rejected → the meaning in words. Shown in the ledger and by HTTP ingest. */
  readonly reasons: Readonly<Record<string, string>>;
  /** Which of them it is when an item is nested too deeply. */
  readonly invalidReason: string;
  /** Which of them it is when no sink claims an item. Absent: there is a sink that takes everything. */
  readonly unclaimedReason?: string;
  /** @returns the item, or one of `reasons`. Must not throw. `value` is parsed JSON, exact to the last digit. */
  parse(value: unknown, context: ParseContext): T | string;
}

export interface ParseContext {
  readonly deviceId: number;
  /** Epoch milliseconds. */
  readonly receivedAt: number;
  /** How old a time stamp may be, milliseconds: the retention of telemetry. */
  readonly maxAgeMs: number;
  /** Ids in order, for what has no time of its own. */
  nextId(): string;
}

/** `unclaimed`: this sink has nothing to do with the item. Any other text: one of the channel's `reasons`. */
export type SinkOutcome = 'stored' | 'unclaimed' | (string & {});

/**
 * Stores what one channel brings, before the batch is acknowledged. The sinks of a channel are asked one after the other,
 * each with all items of the batch in the order of their arrival; batches come in order too.
 *
 * An item counts as stored when a sink stored it, else as rejected with the first reason given, or the channel's
 * `unclaimedReason`.
 */
export interface Sink<T extends object = object> {
  readonly name: string;
  readonly channel: Channel<T>;
  /**
   * Idempotent: it is called again with the same items when it was not known whether it succeeded.
   * @returns what became of each item, by its index; undefined: all are stored
   * @throws AppError `unavailable`: asked again until it succeeds, and no acknowledgement leaves meanwhile.
   *   Anything else: it refuses an item; the batch is divided until that one is found and counted as `not_storable`
   */
  apply(items: readonly T[]): Promise<readonly SinkOutcome[] | undefined>;
  /**
   * What the broker's word about a connection is on this channel. It takes its place among the device's messages and is
   * counted nowhere.
   */
  fromConnection?(signal: ConnectionSignal): T | null;
  /** The same for a request over HTTP, which goes ahead of its items. */
  fromRequest?(request: { readonly deviceId: number; readonly receivedAt: number; readonly channel: string }): T | null;
}

export interface ConnectionSignal {
  readonly deviceId: number;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly isConnected: boolean;
  readonly ipAddress: string | null;
  /** `server`: the broker stops; the device did nothing. */
  readonly by: 'device' | 'server';
}

/**
 * Keeps the items of a channel as documents, in the transaction that stores the samples and counts the ledger. The
 * store tells new ones from those that it has (`stored`, `merged`). There is one of it in a system.
 */
export interface DocumentSink<T extends LoggedDocument = LoggedDocument> {
  readonly name: string;
  readonly channel: Channel<T>;
  readonly collection: LogsOfBatch['collection'];
}

/** What was committed. Samples that were not stored are not in it. */
export interface CommittedBatch {
  /** In the order of their arrival. */
  readonly samples: readonly Sample[];
  /** Devices that were heard of, whatever became of their messages: id → uid. */
  readonly devices: ReadonlyMap<number, string>;
  /** Epoch milliseconds of the latest arrival. */
  readonly receivedAt: number;
  /** Items taken in, rejected ones included. */
  readonly items: number;
  /** Of samples whose messages are traced; null, as almost always: of none. */
  readonly spans: ReadonlyMap<Sample, Span> | null;
}

/**
 * Told of each batch when it is on disk, before it is acknowledged: acknowledgements wait until all have returned.
 * Told in the order of the list; must not throw.
 */
export interface CommitListener {
  readonly name: string;
  committed(batch: CommittedBatch): void;
}
