import type { Component } from '#kernel/lifecycle.ts';
import type { DocumentCollection, StoredDocument } from '#platform/documents/documents.port.ts';
import type { TelemetryAggregation } from './aggregation.port.ts';

export type MetricValue = number | boolean | string;
/** Metric name → value. Names match the contract's pattern; the store takes any non-empty string. */
export type Metrics = Readonly<Record<string, MetricValue>>;

/** One point in time of one device. `timestamp` is epoch milliseconds, an integer. */
export interface Sample {
  readonly deviceId: number;
  readonly timestamp: number;
  readonly metrics: Metrics;
}

/** What a device's messages became. Counts items (an array message of three samples counts three). */
export interface LedgerEntry {
  readonly stored: number;
  readonly merged: number;
  /** Reason → count. */
  readonly rejected: Readonly<Record<string, number>>;
}

/** What a device logged. */
export interface LoggedDocument extends StoredDocument {
  readonly device_id: number;
}

/** Documents that the store inserts and counts as it does samples. */
export interface LogsOfBatch {
  /** Of the document store that keeps its data in the same place. */
  readonly collection: Pick<DocumentCollection<LoggedDocument>, 'name' | 'insertMany'>;
  readonly documents: readonly LoggedDocument[];
}

/** Counts of what is stored elsewhere (status) or not at all; committed together with the samples. */
export interface LedgerIncrement {
  readonly deviceId: number;
  readonly stored?: number;
  readonly merged?: number;
  readonly rejected?: Readonly<Record<string, number>>;
}

export interface TelemetryBatch {
  /**
   * Names the batch, so that a retry is recognised: unique among the batches of this process, whatever text. A call with
   * the id of a batch that was rejected with `unavailable`, or finished a moment ago, has to bring the same content: other
   * content is not looked at. It answers what became of that batch, and nothing is stored or counted twice. A retry
   * begins when the call before has ended, never beside it. After a restart of the process the id says nothing.
   * Absent: each call is a batch of its own.
   */
  readonly id?: string;
  readonly samples: readonly Sample[];
  readonly counts: readonly LedgerIncrement[];
  readonly logs?: LogsOfBatch | undefined;
  /** How many metric names a device may have. Absent: any number. */
  readonly maxNames?: number;
}

/** So many batches are recognised by their id: more than a caller has on their way. */
export const REMEMBERED_BATCHES = 64;

/** Why a sample was left out: reasons of the ledger. */
export type LeftOutReason = 'sample_full' | 'too_many_names';

export interface LeftOut {
  /** Into `batch.samples`. */
  readonly index: number;
  readonly reason: LeftOutReason;
}

export interface AppendResult {
  /** Indexes into `batch.samples` of those that met a stored sample of the same device and timestamp. */
  readonly merged: readonly number[];
  /** Those that the store does not take: by index, ascending. */
  readonly leftOut: readonly LeftOut[];
  /** By index into `batch.logs.documents`, whether each was new; the others count as merged. */
  readonly newLogs: readonly boolean[];
}

/** Metrics of one sample, whatever it is merged from: merging reads and writes the whole of it. */
export const MAX_SAMPLE_METRICS = 1_000;
/** A name that a device has not sent for this long, by the time of its samples, makes room for a new one. */
export const NAME_KEPT_MS = 30 * 86_400_000;

export interface LatestValue {
  readonly value: MetricValue;
  readonly timestamp: number;
}

/** What is kept of a device beside its history. */
export interface DeviceState {
  readonly latest: Readonly<Record<string, LatestValue>>;
  readonly ledger: LedgerEntry;
}

export interface HistoryQuery {
  readonly deviceId: number;
  /** Inclusive, epoch milliseconds. */
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
  /** Only these metrics, and only samples that have one of them. Absent: all. */
  readonly metrics?: readonly string[];
  readonly order: 'asc' | 'desc';
  /** 1..1000 */
  readonly limit: number;
  /** Continue behind this timestamp: a former page's `next`. */
  readonly after?: number;
}

export interface HistoryPage {
  readonly samples: readonly { readonly timestamp: number; readonly metrics: Metrics }[];
  /** The timestamp to pass as `after`; null at the end. A page with a `metrics` filter may be short, or empty, before the end. */
  readonly next: number | null;
}

export interface SealRequest {
  /** Only hours that ended before this, epoch milliseconds. */
  readonly endedBefore: number;
  /** Only hours in which nothing has been stored since. */
  readonly changedBefore: number;
  /** Device-hours at the most. */
  readonly limit: number;
}

/**
 * Where telemetry lives: history, latest values and the ledger.
 *
 * - `append` is atomic and durable: when it resolves, samples, logs, latest values and ledger are on disk.
 *   Appends commit in the order of the calls. It waits while the store is busy or away for a moment and
 *   rejects with `unavailable` when it is not stored as a whole; calling again with the same `id` is safe, as long as the
 *   process runs: the store remembers the last `REMEMBERED_BATCHES`. Those that were
 *   called after one that is rejected, and before anybody knew, take effect not before it does: they are rejected
 *   with `unavailable` too, or the store finishes the earlier one first.
 *   Any other error: the store refuses what is in the batch, which has changed nothing but maybe history and logs.
 * - A sample of a device and timestamp that is already there is merged into it: metrics are united, the
 *   later value of one metric wins. So appending a batch twice changes no history. One that would bring it new
 *   metrics beyond `MAX_SAMPLE_METRICS` changes nothing and counts as rejected (`sample_full`).
 * - Latest values go by the samples' time, not by arrival: an older sample never replaces a newer value;
 *   of two with one timestamp the later appended wins.
 * - A device's names are those of its latest values. A sample that would bring it more than `maxNames` changes nothing
 *   and counts as rejected (`too_many_names`), unless names that are older than `NAME_KEPT_MS` make room: their latest
 *   values are forgotten then, their history is not.
 */
export interface TelemetryStore extends TelemetryAggregation, Component {
  append(batch: TelemetryBatch): Promise<AppendResult>;
  /** Newest value of each metric of a device; empty for an unknown device. */
  latest(deviceId: number): Promise<Readonly<Record<string, LatestValue>>>;
  history(query: HistoryQuery): Promise<HistoryPage>;
  /** Zeros for an unknown device. */
  ledger(deviceId: number): Promise<LedgerEntry>;
  /** The sum over all devices. MongoDB adds it up at each call: not to be asked for all the time. */
  totals(): Promise<LedgerEntry>;
  /** Devices of which anything is stored: ids above `after`, ascending, `limit` at the most. */
  deviceIds(after: number, limit: number): Promise<readonly number[]>;
  /**
   * Sets latest values and ledger of a device, whatever they were; history stays. For copying a store: first the
   * samples by `append`, then this, with nobody else appending.
   */
  restore(deviceId: number, state: DeviceState): Promise<void>;
  /** Removes samples, and what roll-ups hold of them, older than `before`, `limit` at the most. Returns how many; fewer than `limit` means done. */
  deleteOlderThan(before: number, limit: number): Promise<number>;
  /**
   * Puts the samples of hours that are over and quiet together, so that they take less room and are read faster; nothing
   * else can be seen of it. Safe at any time.
   * @returns how many device-hours; fewer than `limit` means that no more are due. A store whose samples have one form
   *   has none that are.
   */
  seal(request: SealRequest): Promise<number>;
  /** @throws AppError `unavailable` */
  ping(): Promise<void>;
}
