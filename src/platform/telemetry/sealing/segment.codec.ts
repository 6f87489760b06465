import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { Metrics, MetricValue } from '../telemetry.port.ts';
import { type Column, decodeColumn, encodeColumn, packBits, unpackBits, valueAt } from './column.codec.ts';

/*
 * Samples of one device, by metric, as bytes:
 *
 *   byte 0    version
 *   byte 1    whether the directory is compressed
 *   2..5      its length as it lies here, unsigned, little endian; the directory follows, JSON (see `Directory`)
 *   then      the frames, one behind the other
 *
 * A frame is zstd, or as it is where that is not shorter. Long columns have a frame of their own, so that a reader of
 * one metric does not unpack the others; short ones share the first frame, because each frame costs its reader about
 * as much as some kilobytes do.
 */

const VERSION = 1;
const HEADER = 6;
/** Bytes up to which a column shares the first frame. */
const SHORT_COLUMN = 2_048;

/** What a segment holds at the most; a caller cuts where either is reached. */
export const MAX_SEGMENT_SAMPLES = 4_096;
export const MAX_SEGMENT_VALUES = 32_768;

export interface SegmentSample {
  /** Epoch milliseconds, an integer. */
  readonly timestamp: number;
  readonly metrics: Metrics;
}

/** Where bytes of a column are: frame, position in it, length. */
type Place = readonly [frame: number, at: number, length: number];

interface Directory {
  readonly count: number;
  /** Of the column of time stamps. */
  readonly time: Place;
  /** By metric: how many samples have it, its values, and, unless all have it, a bit for each sample. */
  readonly metrics: readonly (readonly [name: string, count: number, values: Place, present?: Place])[];
  /** Length as it lies there; negative: compressed, of so many bytes. */
  readonly frames: readonly number[];
}

/** Values of one metric. */
export interface SegmentColumn {
  readonly values: Column;
  /** The sample of each value; null: all samples have it. */
  readonly positions: Uint32Array | null;
}

export interface Segment {
  readonly count: number;
  readonly metrics: readonly string[];
  /** Ascending. */
  timestamps(): Float64Array;
  /** Undefined: no sample has it. */
  column(metric: string): SegmentColumn | undefined;
  /** Those at the positions `from` to before `to`; absent: all. */
  samples(from?: number, to?: number): SegmentSample[];
}

/** @param samples ascending by time stamp, at least one */
export function encodeSegment(samples: readonly SegmentSample[]): Uint8Array {
  const frames = createFrames();
  const time = frames.add(encodeColumn(samples.map(({ timestamp }) => timestamp)));
  const metrics = [...columnsOf(samples)].map(([name, { values, positions }]) => {
    const place = frames.add(encodeColumn(values));
    if (values.length === samples.length) return [name, values.length, place] as const;
    const present = new Array<boolean>(samples.length).fill(false);
    for (const position of positions) present[position] = true;
    return [name, values.length, place, frames.add(packBits(present))] as const;
  });
  const bodies = frames.finish();
  const directory: Directory = { count: samples.length, time, metrics, frames: bodies.map(({ length }) => length) };
  const index = shorter(Buffer.from(JSON.stringify(directory)));
  const header = Buffer.alloc(HEADER);
  header.writeUInt8(VERSION, 0);
  header.writeUInt8(index.length < 0 ? 1 : 0, 1);
  header.writeUInt32LE(index.bytes.length, 2);
  return Buffer.concat([header, index.bytes, ...bodies.map(({ bytes }) => bytes)]);
}

/** @throws Error for bytes that `encodeSegment` of this version has not made */
export function decodeSegment(bytes: Uint8Array): Segment {
  if (bytes[0] !== VERSION) throw new Error(`a segment of version ${bytes[0]}, this program knows ${VERSION}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = HEADER + view.getUint32(2, true);
  const index = bytes.subarray(HEADER, end);
  const directory = JSON.parse(Buffer.from(bytes[1] === 1 ? zstdDecompressSync(index) : index).toString()) as Directory;
  const { count } = directory;
  const byName = new Map(directory.metrics.map((metric) => [metric[0], metric]));
  const partOf = createReader(bytes.subarray(end), directory.frames);
  let times: Float64Array | undefined;
  const columns = new Map<string, SegmentColumn>();

  function timestamps(): Float64Array {
    times ??= numbersOf(decodeColumn(partOf(directory.time), count));
    return times;
  }

  function column(metric: string): SegmentColumn | undefined {
    const known = columns.get(metric);
    const place = byName.get(metric);
    if (known !== undefined || place === undefined) return known;
    const [, present, values, bits] = place;
    const positions = bits === undefined ? null : positionsOf(unpackBits(partOf(bits), count), present);
    const decoded = { values: decodeColumn(partOf(values), present), positions };
    columns.set(metric, decoded);
    return decoded;
  }

  function samples(from = 0, to = count): SegmentSample[] {
    const entries = Array.from({ length: to - from }, (): [string, MetricValue][] => []);
    for (const name of byName.keys()) {
      const { values, positions } = column(name) as SegmentColumn;
      let at = positions === null ? from : lowerBound(positions, from);
      const end = positions === null ? to : lowerBound(positions, to);
      for (; at < end; at += 1) entries[(positions?.[at] ?? at) - from]?.push([name, valueAt(values, at)]);
    }
    // Not by assignment: a metric may be called __proto__.
    return entries.map((metrics, at) => ({
      timestamp: timestamps()[from + at] as number,
      metrics: Object.fromEntries(metrics),
    }));
  }

  return { count, metrics: [...byName.keys()], timestamps, column, samples };
}

/** The position, `from` or behind it, of the first of the ascending numbers that is not below `bound`. */
export function lowerBound(ascending: ArrayLike<number>, bound: number, from = 0): number {
  let low = from;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ascending[middle] as number) < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}

function columnsOf(samples: readonly SegmentSample[]) {
  const columns = new Map<string, { readonly values: MetricValue[]; readonly positions: number[] }>();
  for (const [position, { metrics }] of samples.entries()) {
    for (const name of Object.keys(metrics)) {
      let column = columns.get(name);
      if (column === undefined) {
        column = { values: [], positions: [] };
        columns.set(name, column);
      }
      column.values.push(metrics[name] as MetricValue);
      column.positions.push(position);
    }
  }
  return columns;
}

/** Bytes as they are stored, and what the directory says of their length. */
interface Frame {
  readonly bytes: Uint8Array;
  readonly length: number;
}

/** Bytes below which unpacking costs more than what it saves is worth. */
const WORTH_PACKING = 256;

function shorter(bytes: Uint8Array): Frame {
  if (bytes.length < WORTH_PACKING) return { bytes, length: bytes.length };
  const compressed = zstdCompressSync(bytes);
  if (compressed.length < bytes.length) return { bytes: compressed, length: -compressed.length };
  return { bytes, length: bytes.length };
}

function createFrames() {
  const shared: Uint8Array[] = [];
  const own: Uint8Array[] = [];
  let sharedLength = 0;
  return {
    add(column: Uint8Array): Place {
      if (column.length > SHORT_COLUMN) return [own.push(column), 0, column.length];
      shared.push(column);
      sharedLength += column.length;
      return [0, sharedLength - column.length, column.length];
    },
    finish: (): readonly Frame[] => [Buffer.concat(shared), ...own].map(shorter),
  };
}

/** Unpacks the frames that are asked for, each once. */
function createReader(body: Uint8Array, lengths: readonly number[]) {
  const frames = new Map<number, Uint8Array>();
  function frameAt(wanted: number): Uint8Array {
    let at = 0;
    for (let index = 0; index < wanted; index += 1) at += Math.abs(lengths[index] as number);
    const length = lengths[wanted] as number;
    const bytes = body.subarray(at, at + Math.abs(length));
    return length < 0 ? zstdDecompressSync(bytes) : bytes;
  }
  return ([frame, at, length]: Place): Uint8Array => {
    let bytes = frames.get(frame);
    if (bytes === undefined) {
      bytes = frameAt(frame);
      frames.set(frame, bytes);
    }
    return bytes.subarray(at, at + length);
  };
}

function positionsOf(present: Float64Array, count: number): Uint32Array {
  const positions = new Uint32Array(count);
  for (let index = 0, to = 0; index < present.length; index += 1) if (present[index] === 1) positions[to++] = index;
  return positions;
}

function numbersOf(column: Column): Float64Array {
  if (column.kind === 'other') throw new Error('the time stamps of a segment are not numbers');
  return column.numbers;
}
