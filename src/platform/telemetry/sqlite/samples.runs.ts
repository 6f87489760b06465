import type { Column } from '../sealing/column.codec.ts';
import { lowerBound, type SegmentColumn } from '../sealing/segment.codec.ts';
import type { MetricValue } from '../telemetry.port.ts';
import type { SamplePart } from './samples.procedures.ts';

/** Values of one metric, each with its time, ascending. */
export interface Run {
  readonly times: ArrayLike<number>;
  readonly values: Column;
}

/** What a part has of the metrics that are wanted; null: of all. Sealed samples do not become objects. */
export function runsOf(part: SamplePart, wanted: readonly string[] | null): Iterable<readonly [string, Run]> {
  return 'rows' in part ? runsOfRows(part.rows, wanted) : runsOfSegment(part, wanted);
}

function* runsOfSegment(
  { segment, from, to }: Extract<SamplePart, { segment: unknown }>,
  wanted: readonly string[] | null,
): Generator<readonly [string, Run]> {
  const times = segment.timestamps();
  for (const metric of wanted ?? segment.metrics) {
    const column = segment.column(metric);
    if (column !== undefined) yield [metric, runOf(times, column, from, to)];
  }
}

function runOf(times: Float64Array, { values, positions }: SegmentColumn, from: number, to: number): Run {
  if (positions === null) return { times: times.subarray(from, to), values: sliceOf(values, from, to) };
  const [begin, end] = [lowerBound(positions, from), lowerBound(positions, to)];
  const own = Float64Array.from(positions.subarray(begin, end), (position) => times[position] as number);
  return { times: own, values: sliceOf(values, begin, end) };
}

function sliceOf(column: Column, from: number, to: number): Column {
  if (column.kind === 'other') return { kind: 'other', values: column.values.slice(from, to) };
  return { kind: column.kind, numbers: column.numbers.subarray(from, to) };
}

function runsOfRows(
  rows: Extract<SamplePart, { rows: unknown }>['rows'],
  wanted: readonly string[] | null,
): Iterable<readonly [string, Run]> {
  const found = new Map<string, { readonly times: number[]; readonly values: MetricValue[] }>();
  for (const { timestamp, metrics } of rows) {
    for (const metric of wanted ?? Object.keys(metrics)) {
      if (wanted !== null && !Object.hasOwn(metrics, metric)) continue;
      let run = found.get(metric);
      if (run === undefined) {
        run = { times: [], values: [] };
        found.set(metric, run);
      }
      run.times.push(timestamp);
      run.values.push(metrics[metric] as MetricValue);
    }
  }
  return [...found].map(([metric, { times, values }]) => [metric, { times, values: { kind: 'other', values } }]);
}
