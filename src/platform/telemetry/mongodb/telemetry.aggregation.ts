import type { Collection, Document } from 'mongodb';
import type { MongodbConnection } from '#platform/mongodb/mongodb-connection.ts';
import { addBin, interpolated } from '../aggregation/sketch.ts';
import type { RawCell, RawPart, RawQuery } from '../aggregation/source.ts';
import { createStatistics, numberOf, type Statistics } from '../aggregation/statistics.ts';
import type { SeriesQuery, SeriesSlice } from '../aggregation.port.ts';
import { decodeName, encodeName } from './telemetry.names.ts';
import {
  type BasicRow,
  type BinRow,
  basicPipeline,
  binsPipeline,
  type RankRow,
  type Run,
  ranksPipeline,
  runsOf,
} from './telemetry.pipelines.ts';
import type { SampleDocument } from './telemetry.plan.ts';

interface Cell {
  readonly metric: string;
  readonly bucket: number;
  readonly statistics: Statistics;
  percentiles: readonly number[];
}

/** The reading side of aggregation: the server groups, what comes here is a row a metric and bucket. */
export function createAggregationReads(
  { run: execute }: Pick<MongodbConnection, 'run'>,
  samples: Collection<SampleDocument>,
) {
  const aggregate = <T extends Document>(pipeline: Document[]): Promise<T[]> =>
    execute(() => samples.aggregate<T>(pipeline, { allowDiskUse: true }).toArray());

  /** The time of the sample behind the next `limit`, by the index alone; null when there are no more. */
  async function endOfStep(deviceId: number, from: number, to: number, limit: number): Promise<number | null> {
    const [found] = await execute(() =>
      samples
        .find(
          { device_id: deviceId, timestamp: { $gte: from, $lt: to } },
          { projection: { _id: 0, device_id: 1, timestamp: 1 } },
        )
        .sort({ timestamp: 1 })
        .skip(limit)
        .limit(1)
        .toArray(),
    );
    return found?.timestamp ?? null;
  }

  async function cellsOf(query: RawQuery, run: Run): Promise<readonly RawCell[]> {
    const { deviceId, metrics, moments, sketch, percentiles } = query;
    const cells = new Map<string, Cell>();
    const keyOf = ({ k, b }: { readonly k: string; readonly b: number }) => `${b} ${k}`;
    for (const row of await aggregate<BasicRow>(basicPipeline(deviceId, run, metrics, moments))) {
      const statistics = statisticsOf(row);
      const cell = { metric: decodeName(row._id.k), bucket: Math.round(row._id.b), statistics, percentiles: [] };
      cells.set(keyOf(row._id), cell);
    }
    // What came in between the two queries is in the next answer.
    if (sketch) {
      for (const { _id, n } of await aggregate<BinRow>(binsPipeline(deviceId, run, metrics))) {
        const bins = cells.get(keyOf(_id))?.statistics.sketch;
        if (bins === undefined) continue;
        if (_id.sign === 0) bins.zero += n;
        else addBin(_id.sign > 0 ? bins.positive : bins.negative, Math.round(_id.bin), n);
      }
    }
    if (percentiles.length > 0) {
      for (const { _id, n, values } of await aggregate<RankRow>(ranksPipeline(deviceId, run, metrics, percentiles))) {
        const cell = cells.get(keyOf(_id));
        if (cell === undefined) continue;
        cell.percentiles = percentiles.map((p, index) =>
          interpolated(p, n, (rank) => values[2 * index + (rank > Math.floor(p * (n - 1)) ? 1 : 0)] as number),
        );
      }
    }
    return [...cells.values()];
  }

  return {
    async raw(query: RawQuery): Promise<RawPart> {
      const { deviceId, edges, from, to, limit } = query;
      const next = await endOfStep(deviceId, from, to, limit);
      const cells: RawCell[] = [];
      for (const run of runsOf(edges, from, next ?? to)) cells.push(...(await cellsOf(query, run)));
      return { cells, next };
    },
    async series({ deviceId, metric, start, end, after, limit }: SeriesQuery): Promise<SeriesSlice> {
      const field = `metrics.${encodeName(metric)}`;
      const from = after === undefined ? start : Math.max(start, after + 1);
      const found = await execute(() =>
        samples
          .find(
            { device_id: deviceId, timestamp: { $gte: from, $lt: end }, [field]: { $exists: true } },
            { projection: { _id: 0, timestamp: 1, [field]: 1 }, batchSize: 1_000 },
          )
          .sort({ timestamp: 1 })
          .limit(limit)
          .toArray(),
      );
      const timestamps = new Float64Array(found.length);
      const values = new Float64Array(found.length);
      let numeric = 0;
      for (const { timestamp, metrics } of found) {
        const [value] = Object.values(metrics);
        const x = value === undefined ? null : numberOf(value);
        if (x === null) continue;
        timestamps[numeric] = timestamp;
        values[numeric] = x;
        numeric += 1;
      }
      const next = found.length < limit ? null : (found.at(-1)?.timestamp ?? null);
      return { timestamps: timestamps.slice(0, numeric), values: values.slice(0, numeric), next };
    },
  };
}

function statisticsOf(row: BasicRow): Statistics {
  const { count, n, sum, first, firstAt, last, lastAt, min, max } = row;
  const { timeMean = 0, m2 = 0, timeM2 = 0, comoment = 0 } = row;
  const known = { count, n, sum, first, firstAt, last, lastAt };
  if (n === 0 || min === null || max === null) return { ...createStatistics(), ...known };
  return { ...createStatistics(), ...known, min, max, mean: sum / n, timeMean, m2, timeM2, comoment };
}
