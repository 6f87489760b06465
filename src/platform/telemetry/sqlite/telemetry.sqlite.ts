import type { SqliteThread } from '#platform/sqlite/sqlite-thread.ts';
import { createAggregator } from '../aggregation/aggregator.ts';
import { rollUpHour } from '../aggregation/hour.ts';
import type { AggregationSource, RawPart, RollupPart } from '../aggregation/source.ts';
import type { SeriesSlice } from '../aggregation.port.ts';
import { createRecentBatches } from '../recent-batches.ts';
import type { AppendResult, HistoryPage, LatestValue, LedgerEntry, TelemetryStore } from '../telemetry.port.ts';
import { encode } from './encoded-batch.ts';
import type { ChangedHour, FinishedHour } from './rollup.procedures.ts';
import type { SealedPart, UnsealedHour } from './sealing.procedures.ts';

export const TELEMETRY_PROCEDURES = new URL('./telemetry.procedures.ts', import.meta.url);

/** The telemetry store on SQLite: appends on the writing thread, queries on the reading one. */
export function createSqliteTelemetryStore({
  writer,
  reader,
}: {
  readonly writer: SqliteThread;
  readonly reader: SqliteThread;
}): TelemetryStore {
  const source: AggregationSource = {
    raw: (query) => reader.call<RawPart>('telemetry.raw', query),
    rollups: (query) => reader.call<RollupPart>('telemetry.rollups', query),
  };
  /** Grows when an append fails: the thread refuses those that were on their way behind it. */
  let generation = 0;
  // One that was rejected has stored nothing: its transaction was rolled back.
  const finished = createRecentBatches<AppendResult>();

  return {
    name: 'telemetry',
    async append(given) {
      const known = finished.get(given.id);
      if (known !== undefined) return known;
      const batch = encode(given, generation);
      try {
        const result = await writer.call<AppendResult>('telemetry.append', batch, [
          batch.deviceIds.buffer as ArrayBuffer,
          batch.timestamps.buffer as ArrayBuffer,
        ]);
        finished.set(given.id, result);
        return result;
      } catch (error) {
        generation = Math.max(generation, batch.generation + 1);
        throw error;
      }
    },
    latest: (deviceId) => reader.call<Record<string, LatestValue>>('telemetry.latest', deviceId),
    history: (query) => reader.call<HistoryPage>('telemetry.history', query),
    ledger: (deviceId) => reader.call<LedgerEntry>('telemetry.ledger', deviceId),
    totals: () => reader.call<LedgerEntry>('telemetry.totals', null),
    deviceIds: (after, limit) => reader.call<number[]>('telemetry.deviceIds', { after, limit }),
    restore: (deviceId, state) => writer.call<void>('telemetry.restore', { deviceId, state }),
    deleteOlderThan: (before, limit) => writer.call<number>('telemetry.deleteOlderThan', { before, limit }),
    aggregate: createAggregator(source),
    series: (query) => reader.call<SeriesSlice>('telemetry.series', query),
    async rollUp(request) {
      const changed = await writer.call<ChangedHour[]>('telemetry.rollup.begin', request);
      if (changed.length === 0) return 0;
      const finished: FinishedHour[] = [];
      for (const each of changed) {
        finished.push({ ...each, rollups: await rollUpHour(source, each.deviceId, each.hour) });
      }
      await writer.call('telemetry.rollup.finish', finished);
      return changed.length;
    },
    async seal(request) {
      const hours = await writer.call<UnsealedHour[]>('telemetry.seal.begin', request);
      for (const hour of hours) {
        for (let more = true; more; ) {
          const part = await reader.call<SealedPart>('telemetry.seal.read', hour);
          more = await writer.call<boolean>('telemetry.seal.finish', part);
        }
      }
      while (hours.length > 0 && (await writer.call<boolean>('telemetry.seal.shrink', null)));
      return hours.length;
    },
    async ping() {
      writer.assertUsable();
      await reader.ping();
    },
  };
}
