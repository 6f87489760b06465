import { type AnyBulkWriteOperation, ObjectId } from 'mongodb';
import { HOUR_MS } from '../aggregation/source.ts';
import {
  type LatestValue,
  type LedgerIncrement,
  type LeftOutReason,
  type LogsOfBatch,
  MAX_SAMPLE_METRICS,
  type Metrics,
  type Sample,
  type TelemetryBatch,
} from '../telemetry.port.ts';
import { encodeMetrics, encodeName } from './telemetry.names.ts';

/** In `telemetry_data`. */
export interface SampleDocument {
  readonly _id: ObjectId;
  readonly device_id: number;
  readonly timestamp: number;
  /** Names encoded. */
  readonly metrics: Metrics;
}

/** In `telemetry_devices`: latest values and ledger of one device. Names encoded. */
export interface DeviceDocument {
  /** The device's id. */
  readonly _id: number;
  readonly stored: number;
  readonly merged: number;
  readonly rejected: Readonly<Record<string, number>>;
  readonly latest: Readonly<Record<string, LatestValue>>;
  /** No latest value is newer. */
  readonly newest: number;
  /** Writing process → number of its last batch in here. */
  readonly applied: Readonly<Record<string, number>>;
}

/** What a batch adds to a device's document, apart from its samples' counts. */
interface DeviceChange {
  readonly latest: Record<string, LatestValue>;
  stored: number;
  merged: number;
  readonly rejected: Record<string, number>;
}

/** What has to be written for a batch. Made once, so that every attempt writes the same. */
export interface Plan {
  readonly samples: readonly Sample[];
  /** The first sample of each device and timestamp. */
  readonly documents: readonly SampleDocument[];
  /** Index into the batch of each document. */
  readonly positions: readonly number[];
  /** Samples whose device and timestamp came before in this batch, by index. */
  readonly repeated: readonly number[];
  readonly devices: ReadonlyMap<number, DeviceChange>;
  readonly counts: readonly LedgerIncrement[];
  readonly logs: LogsOfBatch | undefined;
  /** Samples that are no part of it, by index. */
  readonly leftOut: ReadonlyMap<number, LeftOutReason>;
  /** Device → starts of the hours in which it has samples here. */
  readonly hours: ReadonlyMap<number, ReadonlySet<number>>;
}

export function planOf(
  { samples, counts, logs }: Pick<TelemetryBatch, 'samples' | 'counts' | 'logs'>,
  leftOut: Plan['leftOut'] = new Map(),
): Plan {
  const documents: SampleDocument[] = [];
  const positions: number[] = [];
  const repeated: number[] = [];
  const devices = new Map<number, DeviceChange>();
  const times = new Map<number, Set<number>>();
  const hours = new Map<number, Set<number>>();
  for (let index = 0; index < samples.length; index += 1) {
    const { deviceId, timestamp, metrics: given } = samples[index] as Sample;
    const reason = leftOut.get(index);
    if (reason !== undefined) {
      addCounts(entryOf(devices, deviceId, noChange), { deviceId, rejected: { [reason]: 1 } });
      continue;
    }
    const metrics = encodeMetrics(given);
    const seen = entryOf(times, deviceId, () => new Set());
    if (seen.has(timestamp)) {
      repeated.push(index);
    } else {
      seen.add(timestamp);
      positions.push(index);
      documents.push({ _id: new ObjectId(), device_id: deviceId, timestamp, metrics });
    }
    entryOf(hours, deviceId, () => new Set()).add(Math.floor(timestamp / HOUR_MS) * HOUR_MS);
    noteLatest(entryOf(devices, deviceId, noChange).latest, timestamp, metrics);
  }
  for (const count of counts) addCounts(entryOf(devices, count.deviceId, noChange), count);
  if (logs !== undefined) for (const log of logs.documents) entryOf(devices, log.device_id, noChange);
  return { samples, documents, positions, repeated, devices, counts, logs, leftOut, hours };
}

/**
 * Among the samples that met others, in the order in which they are merged: those that would bring one new metrics
 * beyond its limit.
 * @param stored documents that were there before the batch
 */
export function fullAmong(
  { samples, leftOut }: Plan,
  merged: readonly number[],
  stored: readonly Pick<SampleDocument, 'device_id' | 'timestamp' | 'metrics'>[],
): readonly number[] {
  const names = new Map<string, Set<string>>();
  const keyOf = ({ deviceId, timestamp }: Pick<Sample, 'deviceId' | 'timestamp'>) => `${deviceId} ${timestamp}`;
  for (const { device_id: deviceId, timestamp, metrics } of stored) {
    names.set(keyOf({ deviceId, timestamp }), new Set(Object.keys(metrics)));
  }
  const isMerged = new Set(merged);
  const keys = new Set(merged.map((index) => keyOf(samples[index] as Sample)));
  const full: number[] = [];
  for (const [index, sample] of samples.entries()) {
    const key = keyOf(sample);
    if (!keys.has(key) || leftOut.has(index)) continue;
    const known = entryOf(names, key, () => new Set());
    const united = new Set([...known, ...Object.keys(sample.metrics).map(encodeName)]);
    if (isMerged.has(index) && united.size > MAX_SAMPLE_METRICS && united.size > known.size) full.push(index);
    else names.set(key, united);
  }
  return full;
}

/** The plan for the latest values and counts when these samples, which are not inserted, are left out as well. */
export function withoutFull(plan: Plan, full: readonly number[]): Plan {
  if (full.length === 0) return plan;
  const leftOut = new Map([...plan.leftOut, ...full.map((index) => [index, 'sample_full'] as const)]);
  return { ...plan, leftOut, devices: planOf(plan, leftOut).devices };
}

interface Merge {
  readonly sample: Sample;
  readonly $set: Record<string, unknown>;
}

/** Unites each merged sample with what is stored under its device and timestamp; one operation a document. */
export function mergesOf(plan: Plan, merged: readonly number[]): AnyBulkWriteOperation<SampleDocument>[] {
  const united = new Map<string, Merge>();
  for (const index of merged) {
    const sample = plan.samples[index] as Sample;
    const { $set } = entryOf(united, `${sample.deviceId} ${sample.timestamp}`, (): Merge => ({ sample, $set: {} }));
    for (const name in sample.metrics) $set[`metrics.${encodeName(name)}`] = sample.metrics[name];
  }
  // Retention may have removed the document in the meantime; what is acknowledged must be somewhere.
  return [...united.values()].map(({ sample: { deviceId: device_id, timestamp }, $set }) => ({
    updateOne: { filter: { device_id, timestamp }, update: { $set }, upsert: true },
  }));
}

/** Counts of the batch by device; `merged` holds indexes of samples, all others of the plan were stored. */
export function countsOf(
  plan: Plan,
  merged: ReadonlySet<number>,
  newLogs: readonly boolean[],
): ReadonlyMap<number, Record<string, number>> {
  const counts = new Map<number, Record<string, number>>();
  const count = (deviceId: number, isMerged: boolean) => {
    const increments = counts.get(deviceId) as { stored: number; merged: number };
    if (isMerged) increments.merged += 1;
    else increments.stored += 1;
  };
  for (const [deviceId, { stored, merged: mergedElsewhere, rejected }] of plan.devices) {
    const increments: Record<string, number> = { stored, merged: mergedElsewhere };
    for (const reason in rejected) increments[`rejected.${reason}`] = rejected[reason] as number;
    counts.set(deviceId, increments);
  }
  for (let index = 0; index < plan.samples.length; index += 1) {
    if (!plan.leftOut.has(index)) count((plan.samples[index] as Sample).deviceId, merged.has(index));
  }
  if (plan.logs !== undefined) {
    for (const [index, log] of plan.logs.documents.entries()) count(log.device_id, newLogs[index] !== true);
  }
  return counts;
}

export const newDevice = (_id: number): DeviceDocument => ({
  _id,
  stored: 0,
  merged: 0,
  rejected: {},
  latest: {},
  newest: Number.MIN_SAFE_INTEGER,
  applied: {},
});

const noChange = (): DeviceChange => ({
  // A metric may be called `constructor`.
  latest: Object.create(null) as Record<string, LatestValue>,
  stored: 0,
  merged: 0,
  rejected: Object.create(null) as Record<string, number>,
});

function noteLatest(latest: Record<string, LatestValue>, timestamp: number, metrics: Metrics): void {
  for (const name in metrics) {
    const known = latest[name];
    if (known === undefined || timestamp >= known.timestamp) {
      latest[name] = { value: metrics[name] as LatestValue['value'], timestamp };
    }
  }
}

function addCounts(change: DeviceChange, { stored = 0, merged = 0, rejected = {} }: LedgerIncrement): void {
  change.stored += stored;
  change.merged += merged;
  for (const [reason, count] of Object.entries(rejected)) {
    const name = encodeName(reason);
    change.rejected[name] = (change.rejected[name] ?? 0) + count;
  }
}

function entryOf<K, V>(map: Map<K, V>, key: K, create: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = create();
    map.set(key, value);
  }
  return value;
}
