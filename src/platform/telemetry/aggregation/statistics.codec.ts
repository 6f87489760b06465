import type { MetricValue } from '../telemetry.port.ts';
import { addBin } from './sketch.ts';
import { createStatistics, type Statistics } from './statistics.ts';

/*
 * Statistics as bytes, in roll-ups and between threads: twelve doubles, little endian; then, as unsigned LEB128, the
 * length of the JSON text of [first, last], the text, the count of zeros, and for either sign the number of bins and
 * each bin's distance from the one before (zigzag) with its count.
 */

const FIELDS = [
  'count',
  'n',
  'sum',
  'min',
  'max',
  'mean',
  'm2',
  'timeMean',
  'timeM2',
  'comoment',
  'firstAt',
  'lastAt',
] as const satisfies readonly (keyof Statistics)[];
const FIXED_BYTES = FIELDS.length * 8;

export function encodeStatistics(statistics: Statistics): Uint8Array {
  const text = Buffer.from(JSON.stringify([statistics.first, statistics.last]));
  const { sketch } = statistics;
  const tail: number[] = [];
  writeVarint(tail, sketch.zero);
  for (const bins of [sketch.positive, sketch.negative]) {
    writeVarint(tail, bins.size);
    let before = 0;
    for (const bin of [...bins.keys()].sort((a, b) => a - b)) {
      const distance = bin - before;
      writeVarint(tail, distance < 0 ? -2 * distance - 1 : 2 * distance);
      writeVarint(tail, bins.get(bin) as number);
      before = bin;
    }
  }
  const length: number[] = [];
  writeVarint(length, text.length);
  const bytes = new Uint8Array(FIXED_BYTES + length.length + text.length + tail.length);
  const view = new DataView(bytes.buffer);
  for (const [index, field] of FIELDS.entries()) view.setFloat64(index * 8, statistics[field], true);
  bytes.set(length, FIXED_BYTES);
  bytes.set(text, FIXED_BYTES + length.length);
  bytes.set(tail, FIXED_BYTES + length.length + text.length);
  return bytes;
}

export function decodeStatistics(bytes: Uint8Array): Statistics {
  const statistics = createStatistics();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const [index, field] of FIELDS.entries()) statistics[field] = view.getFloat64(index * 8, true);
  let at = FIXED_BYTES;
  const next = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++] as number;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  const length = next();
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + at, length).toString();
  const [first, last] = JSON.parse(text) as [MetricValue | null, MetricValue | null];
  statistics.first = first;
  statistics.last = last;
  at += length;
  statistics.sketch.zero = next();
  for (const bins of [statistics.sketch.positive, statistics.sketch.negative]) {
    let bin = 0;
    for (let left = next(); left > 0; left -= 1) {
      const coded = next();
      bin += coded % 2 === 1 ? -(coded + 1) / 2 : coded / 2;
      addBin(bins, bin, next());
    }
  }
  return statistics;
}

function writeVarint(to: number[], value: number): void {
  let rest = value;
  while (rest >= 128) {
    to.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  to.push(rest);
}
