import type { Channel, CommittedBatch } from '#platform/channels/channel.port.ts';
import type { LedgerIncrement, LeftOutReason, Sample } from '#platform/telemetry/telemetry.port.ts';
import type { Span } from '#platform/tracing/tracing.port.ts';
import type { ItemOutcome, RejectReason } from './ingest.ports.ts';

/** A message that is followed on its way through a batch. */
export interface MessageTrace {
  /** From its arrival to its acknowledgement. */
  readonly span: Span;
  /** Its samples: indexes into the batch's, `end` excluded. */
  readonly first: number;
  readonly end: number;
  /** The commit that it shares with the rest of the batch. */
  commit: Span | null;
}

/** As much of a batch as is looked at here. */
interface TracedBatch {
  readonly traces: readonly MessageTrace[];
  readonly samples: readonly Sample[];
  readonly items: number;
}

export function beginCommit({ traces, items }: TracedBatch): void {
  for (const trace of traces) trace.commit = trace.span.child('commit', { 'core_api.batch_items': items });
}

export function endCommit({ traces }: Pick<TracedBatch, 'traces'>): void {
  for (const { commit } of traces) commit?.end();
}

export function endTraces({ traces }: Pick<TracedBatch, 'traces'>): void {
  for (const { span } of traces) span.end();
}

/** The spans of the samples that are followed; null, as almost always: of none. */
function spansOf({ traces, samples }: Omit<TracedBatch, 'items'>): ReadonlyMap<Sample, Span> | null {
  if (traces.length === 0) return null;
  const spans = new Map<Sample, Span>();
  for (const { span, first, end } of traces) for (const sample of samples.slice(first, end)) spans.set(sample, span);
  return spans;
}

/** One item of a channel other than telemetry. */
export interface Entry {
  readonly deviceId: number;
  /** False: the broker's own signals, which are no message. */
  readonly isCounted: boolean;
  readonly value: object;
}

/** Where one item of a request ended up in the batch, to tell its sender what became of it. */
export type ItemPlace = { readonly sample: number } | { readonly entry: Entry } | { readonly reason: RejectReason };

/** What the stores said of a batch. */
export interface BatchResult {
  /** Indexes into `samples`. */
  readonly mergedSamples: ReadonlySet<number>;
  /** What the store did not take by its rules, with the reason of the ledger. */
  readonly leftOutSamples: ReadonlyMap<number, LeftOutReason>;
  /** What the store refused to take. */
  readonly refusedSamples: ReadonlySet<number>;
  /** Of those entries that were not simply stored. */
  readonly outcomes: ReadonlyMap<Entry, ItemOutcome>;
}

/**
 * What arrived since the last commit: everything in it is committed together and acknowledged after that.
 * Filled by the pipeline, message by message, in the order of arrival.
 */
export interface Batch {
  readonly samples: Sample[];
  readonly entries: Map<Channel, Entry[]>;
  /** Device → reason → count. */
  readonly rejections: Map<number, Record<string, number>>;
  /** Called once the batch is committed. */
  readonly acknowledgements: (() => void)[];
  /** Requests that wait for what became of their items. */
  readonly observers: ((result: BatchResult) => void)[];
  /** Messages that are followed; hardly ever any. */
  readonly traces: MessageTrace[];
  /** Devices heard from, with their uid. */
  readonly devices: Map<number, string>;
  /** Epoch milliseconds of the latest arrival. */
  receivedAt: number;
  /** Items taken in, whatever became of them. */
  items: number;
  /** Of the HTTP requests that are waiting for it. */
  httpBytes: number;
}

export function createBatch(): Batch {
  return {
    samples: [],
    entries: new Map(),
    rejections: new Map(),
    acknowledgements: [],
    observers: [],
    traces: [],
    devices: new Map(),
    receivedAt: 0,
    items: 0,
    httpBytes: 0,
  };
}

export function addEntry({ entries }: Batch, channel: Channel, entry: Entry): void {
  const list = entries.get(channel);
  if (list === undefined) entries.set(channel, [entry]);
  else list.push(entry);
}

export function addRejection(batch: Batch, deviceId: number, reason: RejectReason): void {
  let reasons = batch.rejections.get(deviceId);
  if (reasons === undefined) {
    reasons = {};
    batch.rejections.set(deviceId, reasons);
  }
  reasons[reason] = (reasons[reason] ?? 0) + 1;
}

/** How many items of a device are in the batch. */
export function itemsOf(batch: Batch, deviceId: number): number {
  let count = 0;
  for (const sample of batch.samples) if (sample.deviceId === deviceId) count += 1;
  for (const list of batch.entries.values()) {
    for (const entry of list) if (entry.isCounted && entry.deviceId === deviceId) count += 1;
  }
  for (const n of Object.values(batch.rejections.get(deviceId) ?? {})) count += n;
  return count;
}

/** The batch as it was stored, for those who are told of it. */
export function committedOf(batch: Batch, { leftOutSamples, refusedSamples }: BatchResult): CommittedBatch {
  const { samples, devices, receivedAt, items } = batch;
  if (leftOutSamples.size + refusedSamples.size === 0)
    return { samples, devices, receivedAt, items, spans: spansOf(batch) };
  const isStored = (index: number) => !leftOutSamples.has(index) && !refusedSamples.has(index);
  const stored = samples.filter((_, index) => isStored(index));
  // Traces keep no samples: those that are left have other places.
  return { samples: stored, devices, receivedAt, items, spans: null };
}

/**
 * The ledger's share of everything but samples and documents, which the store counts itself.
 * @param outcomes of the entries that sinks took or rejected
 */
export function ledgerCounts(batch: Batch, outcomes: ReadonlyMap<Entry, ItemOutcome>): LedgerIncrement[] {
  const counts = new Map<number, { deviceId: number; stored: number; rejected?: Record<string, number> }>();
  const of = (deviceId: number) => {
    let count = counts.get(deviceId);
    if (count === undefined) {
      count = { deviceId, stored: 0 };
      counts.set(deviceId, count);
    }
    return count;
  };
  for (const [deviceId, reasons] of batch.rejections) of(deviceId).rejected = reasons;
  for (const [{ deviceId, isCounted }, outcome] of outcomes) {
    if (!isCounted) continue;
    const count = of(deviceId);
    if (outcome === 'stored') count.stored += 1;
    else count.rejected = { ...count.rejected, [outcome]: (count.rejected?.[outcome] ?? 0) + 1 };
  }
  return [...counts.values()];
}

/** What became of the items of one request, in their order. */
export function outcomesOf(places: readonly ItemPlace[], result: BatchResult): ItemOutcome[] {
  return places.map((place) => {
    if ('reason' in place) return place.reason;
    if ('entry' in place) return result.outcomes.get(place.entry) ?? 'stored';
    if (result.refusedSamples.has(place.sample)) return 'not_storable';
    return result.leftOutSamples.get(place.sample) ?? (result.mergedSamples.has(place.sample) ? 'merged' : 'stored');
  });
}
