import { type AnyBulkWriteOperation, Binary, type Collection, type Filter } from 'mongodb';
import type { MongodbConnection } from '#platform/mongodb/mongodb-connection.ts';
import { duplicatesOf } from '#platform/mongodb/mongodb-errors.ts';
import { rollUpHour } from '../aggregation/hour.ts';
import {
  type AggregationSource,
  FIVE_MINUTES_MS,
  HOUR_MS,
  type HourRollup,
  type RollupPart,
  type RollupQuery,
} from '../aggregation/source.ts';
import type { RollUpRequest } from '../aggregation.port.ts';
import { encodeName } from './telemetry.names.ts';

/** Statistics of one metric in one hour: of the whole (`h`) and by five minutes, `{'0': …, '11': …}`. */
interface MetricRollup {
  readonly h: Binary;
  readonly m: Readonly<Record<string, Binary>>;
}

/** In `telemetry_rollups`: one hour of one device. Whether it has changed and its roll-ups change in one step. */
export interface RollupDocument {
  /** `{device}:{hour}` */
  readonly _id: string;
  readonly device_id: number;
  /** Its start, epoch milliseconds. */
  readonly hour: number;
  /** Grows with every change. */
  readonly version: number;
  /** Its samples may have changed since the roll-ups were made. */
  readonly changed: boolean;
  /** It has too many metrics. */
  readonly given_up: boolean;
  /** By encoded name. */
  readonly metrics?: Readonly<Record<string, MetricRollup>>;
}

export interface DeviceHour {
  readonly deviceId: number;
  readonly hour: number;
}

export interface RollupsOptions {
  readonly connection: MongodbConnection;
  readonly rollups: Collection<RollupDocument>;
  readonly source: Pick<AggregationSource, 'raw'>;
}

/** Documents of one answer of the server; decoding them holds up others. */
const BATCH = 100;

export function createRollups({ connection, rollups, source }: RollupsOptions) {
  const { run } = connection;

  async function rollUpOne({ device_id, hour, _id, version }: RollupDocument): Promise<void> {
    const made = await rollUpHour(source, device_id, hour);
    const change =
      made === null ? { given_up: true } : { changed: false, metrics: Object.fromEntries(made.map(documentOf)) };
    // Nothing is written when it has changed again, or another process was faster.
    await run(() => rollups.updateOne({ _id, version, changed: true }, { $set: change }));
  }

  return {
    async prepare(): Promise<void> {
      await run(() => rollups.createIndex({ device_id: 1, hour: 1 }));
      await run(() => rollups.createIndex({ changed: 1, hour: 1 }));
    },
    /** Whoever reads after this reads the hours' samples, and roll-ups that were begun before are not stored. */
    async mark(hours: readonly DeviceHour[]): Promise<void> {
      if (hours.length === 0) return;
      const operations: AnyBulkWriteOperation<RollupDocument>[] = hours.map(({ deviceId, hour }) => ({
        updateOne: {
          filter: { _id: `${deviceId}:${hour}` },
          update: {
            $inc: { version: 1 },
            $set: { changed: true, given_up: false },
            $setOnInsert: { device_id: deviceId, hour },
          },
          upsert: true,
        },
      }));
      for (let tries = 0; ; tries += 1) {
        try {
          await run(() => rollups.bulkWrite(operations, { ordered: false }));
          return;
        } catch (error) {
          // Two upserts of one document at once: one loses, and finds the document the next time.
          if (tries === 3) throw error;
          duplicatesOf(error);
        }
      }
    },
    async read({ deviceId, metrics, level, from, to }: RollupQuery): Promise<RollupPart> {
      const wanted = metrics.map((metric) => [metric, encodeName(metric)] as const);
      const part = level === HOUR_MS ? 'h' : 'm';
      const projection = Object.fromEntries(wanted.map(([, field]) => [`metrics.${field}.${part}`, 1]));
      const changedHours: number[] = [];
      const rows: { metric: string; start: number; statistics: Uint8Array }[] = [];
      const found = await run(() =>
        rollups
          .find(
            { device_id: deviceId, hour: { $gt: from - HOUR_MS, $lt: to } },
            { projection: { hour: 1, changed: 1, ...projection }, batchSize: BATCH },
          )
          .toArray(),
      );
      for (const document of found.sort((a, b) => a.hour - b.hour)) {
        if (document.changed) {
          changedHours.push(document.hour);
          continue;
        }
        for (const [metric, field] of wanted) {
          const rollup = document.metrics?.[field];
          if (rollup?.h !== undefined) rows.push({ metric, start: document.hour, statistics: bytesOf(rollup.h) });
          for (const [position, statistics] of Object.entries(rollup?.m ?? {})) {
            const start = document.hour + Number(position) * FIVE_MINUTES_MS;
            if (start >= from && start < to) rows.push({ metric, start, statistics: bytesOf(statistics) });
          }
        }
      }
      return { changedHours, rows };
    },
    async rollUp({ endedBefore, limit }: RollUpRequest): Promise<number> {
      const due: Filter<RollupDocument> = { changed: true, given_up: false, hour: { $lte: endedBefore - HOUR_MS } };
      const projection = { device_id: 1, hour: 1, version: 1 };
      const found = await run(() => rollups.find(due, { projection }).limit(limit).toArray());
      for (const each of found) await rollUpOne(each);
      return found.length;
    },
  };
}

function documentOf({ metric, hour, fiveMinutes }: HourRollup): readonly [name: string, rollup: MetricRollup] {
  const m = Object.fromEntries(fiveMinutes.map(([position, bytes]) => [String(position), new Binary(bytes)]));
  return [encodeName(metric), { h: new Binary(hour), m }];
}

const bytesOf = (binary: Binary): Uint8Array => binary.value();
