import type { Insertion } from '#platform/documents/sqlite/documents.procedures.ts';
import { type LatestValues, noteLatest, noValues } from '../latest-values.ts';
import type { LatestValue, LedgerIncrement, LoggedDocument, Sample, TelemetryBatch } from '../telemetry.port.ts';

interface EncodedLogs extends Insertion {
  readonly documents: readonly LoggedDocument[];
}

/** A batch as it crosses the thread boundary: columns clone faster than objects. */
export interface EncodedBatch {
  readonly deviceIds: Float64Array;
  readonly timestamps: Float64Array;
  /** One JSON text a sample, joined by line feeds (JSON text contains none). */
  readonly metrics: string;
  /** Per device of the batch, the newest value of each metric in it. */
  readonly latest: readonly (readonly [deviceId: number, values: Record<string, LatestValue>])[];
  readonly counts: readonly LedgerIncrement[];
  readonly logs: EncodedLogs | undefined;
  readonly maxNames: number;
  /** How many appends had failed when this one was called, as far as the caller knew. */
  readonly generation: number;
}

export function encode(batch: TelemetryBatch, generation: number): EncodedBatch {
  const { samples, counts, logs, maxNames = Number.POSITIVE_INFINITY } = batch;
  const deviceIds = new Float64Array(samples.length);
  const timestamps = new Float64Array(samples.length);
  const texts = new Array<string>(samples.length);
  const latest = new Map<number, LatestValues>();
  for (let index = 0; index < samples.length; index += 1) {
    const { deviceId, timestamp, metrics } = samples[index] as Sample;
    deviceIds[index] = deviceId;
    timestamps[index] = timestamp;
    texts[index] = JSON.stringify(metrics);
    let values = latest.get(deviceId);
    if (values === undefined) {
      values = noValues();
      latest.set(deviceId, values);
    }
    noteLatest(values, metrics, timestamp);
  }
  return {
    deviceIds,
    timestamps,
    metrics: texts.join('\n'),
    latest: [...latest],
    counts,
    logs: logs && { collection: logs.collection.name, documents: logs.documents },
    maxNames,
    generation,
  };
}

/** Latest values of a batch without some of its samples. */
export function latestWithout(
  { deviceIds, timestamps }: EncodedBatch,
  metrics: readonly string[],
  left: ReadonlySet<number>,
): EncodedBatch['latest'] {
  const latest = new Map<number, LatestValues>();
  for (const [index, deviceId] of deviceIds.entries()) {
    if (left.has(index)) continue;
    const values = latest.get(deviceId) ?? noValues();
    latest.set(deviceId, values);
    noteLatest(values, JSON.parse(metrics[index] as string), timestamps[index] as number);
  }
  return [...latest];
}
