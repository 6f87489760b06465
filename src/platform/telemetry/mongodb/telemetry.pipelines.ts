import type { Document } from 'mongodb';
import { LN_GAMMA } from '../aggregation/sketch.ts';
import type { MetricValue } from '../telemetry.port.ts';
import { encodeName } from './telemetry.names.ts';

/*
 * Aggregation pipelines with arithmetic alone, which MongoDB 6 and servers that only speak its protocol know: no
 * $dateTrunc, $percentile or $stdDevPop. Numbers, null and booleans are told apart by the order of BSON types.
 */

/** Buckets of one width, one after the other: the first starts at `origin`. */
export interface Run {
  readonly origin: number;
  readonly width: number;
  /** Index of the first bucket. */
  readonly first: number;
  readonly from: number;
  readonly to: number;
}

/** The range as runs of buckets of one width: one, or a few more around a change to or from summer time. */
export function runsOf(edges: readonly number[], from: number, to: number): readonly Run[] {
  const runs: { origin: number; width: number; first: number; end: number }[] = [];
  for (let index = 0; index + 1 < edges.length; index += 1) {
    const [start, end] = [edges[index] as number, edges[index + 1] as number];
    const run = runs.at(-1);
    if (run?.width === end - start) run.end = end;
    else runs.push({ origin: start, width: end - start, first: index, end });
  }
  return runs
    .map(({ end, ...run }) => ({ ...run, from: Math.max(run.origin, from), to: Math.min(end, to) }))
    .filter((run) => run.from < run.to);
}

/** `{t, b, k, v, x}` for each value: time, bucket, encoded name, value, value as a number or null. By time. */
function valuesOf(deviceId: number, run: Run, metrics: readonly string[] | null): Document[] {
  const offset = { $subtract: ['$timestamp', run.origin] };
  const fields = metrics?.map(encodeName);
  return [
    { $match: { device_id: deviceId, timestamp: { $gte: run.from, $lt: run.to } } },
    { $sort: { timestamp: 1 } },
    {
      $project: {
        _id: 0,
        t: '$timestamp',
        b: { $add: [run.first, { $divide: [{ $subtract: [offset, { $mod: [offset, run.width] }] }, run.width] }] },
        m:
          fields === undefined
            ? { $objectToArray: '$metrics' }
            : fields.map((field) => ({ k: { $literal: field }, v: { $ifNull: [`$metrics.${field}`, null] } })),
      },
    },
    { $unwind: '$m' },
    { $match: { 'm.v': { $ne: null } } },
    {
      $project: {
        t: 1,
        b: 1,
        k: '$m.k',
        v: '$m.v',
        x: {
          $cond: [
            { $eq: ['$m.v', true] },
            1,
            { $cond: [{ $eq: ['$m.v', false] }, 0, { $cond: [{ $lt: ['$m.v', ''] }, '$m.v', null] }] },
          ],
        },
      },
    },
  ];
}

export interface BasicRow {
  readonly _id: { readonly k: string; readonly b: number };
  readonly count: number;
  readonly n: number;
  readonly sum: number;
  readonly min: number | null;
  readonly max: number | null;
  readonly first: MetricValue;
  readonly firstAt: number;
  readonly last: MetricValue;
  readonly lastAt: number;
  readonly timeMean?: number;
  readonly m2?: number;
  readonly timeM2?: number;
  readonly comoment?: number;
}

/** Counts, sums and extremes; with `moments` also sums of squares and products about the means, in two passes. */
export function basicPipeline(
  deviceId: number,
  run: Run,
  metrics: readonly string[] | null,
  moments: boolean,
): Document[] {
  const none = { $eq: ['$x', null] };
  const group = {
    _id: { k: '$k', b: '$b' },
    count: { $sum: 1 },
    n: { $sum: { $cond: [none, 0, 1] } },
    sum: { $sum: '$x' },
    min: { $min: '$x' },
    max: { $max: '$x' },
    first: { $first: '$v' },
    firstAt: { $min: '$t' },
    last: { $last: '$v' },
    lastAt: { $max: '$t' },
  };
  const values = valuesOf(deviceId, run, metrics);
  if (!moments) return [...values, { $group: group }];
  const t = { $subtract: ['$t', run.from] };
  const about = (field: string, mean: string) => ({ $subtract: [`$$p.${field}`, mean] });
  const total = (left: Document, right: Document) => ({
    $sum: { $map: { input: '$points', as: 'p', in: { $multiply: [left, right] } } },
  });
  const [x, time] = [about('x', '$mean'), about('t', '$offset')];
  const plain = Object.fromEntries(Object.keys(group).map((name) => [name, 1]));
  const divisor = { $cond: [{ $eq: ['$n', 0] }, 1, '$n'] };
  return [
    ...values,
    { $group: { ...group, offset: { $sum: { $cond: [none, 0, t] } }, points: { $push: { t, x: '$x' } } } },
    {
      $project: {
        ...plain,
        mean: { $divide: ['$sum', divisor] },
        offset: { $divide: ['$offset', divisor] },
        points: { $filter: { input: '$points', as: 'p', cond: { $ne: ['$$p.x', null] } } },
      },
    },
    {
      $project: {
        ...plain,
        timeMean: { $add: ['$offset', run.from] },
        m2: total(x, x),
        timeM2: total(time, time),
        comoment: total(x, time),
      },
    },
  ];
}

export interface BinRow {
  readonly _id: { readonly k: string; readonly b: number; readonly sign: number; readonly bin: number };
  readonly n: number;
}

/** Counts by bin of the sketch. */
export function binsPipeline(deviceId: number, run: Run, metrics: readonly string[] | null): Document[] {
  // The logarithm of zero is none.
  const size = { $cond: [{ $eq: ['$x', 0] }, 1, { $abs: '$x' }] };
  return [
    ...valuesOf(deviceId, run, metrics),
    { $match: { x: { $ne: null } } },
    {
      $project: {
        k: 1,
        b: 1,
        sign: { $cond: [{ $gt: ['$x', 0] }, 1, { $cond: [{ $lt: ['$x', 0] }, -1, 0] }] },
        bin: { $ceil: { $divide: [{ $ln: size }, LN_GAMMA] } },
      },
    },
    { $group: { _id: { k: '$k', b: '$b', sign: '$sign', bin: '$bin' }, n: { $sum: 1 } } },
  ];
}

export interface RankRow {
  readonly _id: { readonly k: string; readonly b: number };
  readonly n: number;
  /** Two a percentile: the values at the ranks around it. */
  readonly values: readonly number[];
}

/** The values at the ranks that exact percentiles lie between. */
export function ranksPipeline(
  deviceId: number,
  run: Run,
  metrics: readonly string[] | null,
  percentiles: readonly number[],
): Document[] {
  const last = { $subtract: ['$n', 1] };
  const at = (position: Document) => ({ $arrayElemAt: ['$sorted', { $toInt: position }] });
  const ranks = percentiles.flatMap((p) => {
    const rank = { $floor: { $multiply: [p, last] } };
    return [at(rank), at({ $min: [{ $add: [rank, 1] }, last] })];
  });
  return [
    ...valuesOf(deviceId, run, metrics),
    { $match: { x: { $ne: null } } },
    { $sort: { x: 1 } },
    { $group: { _id: { k: '$k', b: '$b' }, n: { $sum: 1 }, sorted: { $push: '$x' } } },
    { $project: { n: 1, values: ranks } },
  ];
}
