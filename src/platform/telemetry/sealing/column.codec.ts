import type { MetricValue } from '../telemetry.port.ts';

/*
 * The values of one metric, in the order of their samples, as bytes: a letter for what they are, then
 *
 *   b  booleans, a bit each
 *   i  numbers that are whole when multiplied by 10^scale: scale, width (1, 2 or 4), the first one as a double, then
 *      each difference to the one before as a signed integer of that width
 *   d  other numbers: doubles, the first bytes of all, then the second bytes, ...: those that are alike lie together
 *   s  strings, few different ones: width, count of those, then which one each is; at the end their JSON text
 *   j  anything: JSON text
 *
 * Little endian. What is alike is left to the compression of whatever holds the columns.
 */

/** Decimals that are looked for: 10^9 and a number of 2^53 still leave six digits before the point. */
const MAX_SCALE = 9;
/** Doubles that are exact integers. */
const MAX_WHOLE = 2 ** 53;
/** Different strings, above which each is written where it is. */
const MAX_DICTIONARY = 65_535;
const WHOLE_HEADER = 2 + 8;

/** Numeric values as doubles, booleans as 1 or 0. */
export interface NumericColumn {
  readonly kind: 'number' | 'boolean';
  readonly numbers: Float64Array;
}

export interface OtherColumn {
  readonly kind: 'other';
  readonly values: readonly MetricValue[];
}

export type Column = NumericColumn | OtherColumn;

/** The value at `index` of what `decodeColumn` returned. */
export function valueAt(column: Column, index: number): MetricValue {
  if (column.kind === 'other') return column.values[index] as MetricValue;
  const number = column.numbers[index] as number;
  return column.kind === 'boolean' ? number === 1 : number;
}

export function encodeColumn(values: readonly MetricValue[]): Uint8Array {
  const type = typeof values[0];
  if (values.some((value) => typeof value !== type)) return textColumn(values);
  if (type === 'boolean') return tagged('b', packBits(values as readonly boolean[]));
  if (type === 'string') return stringColumn(values as readonly string[]);
  const numbers = Float64Array.from(values as readonly number[]);
  return wholeColumn(numbers) ?? tagged('d', planesOf(numbers));
}

/** @param count of the values that were encoded */
export function decodeColumn(bytes: Uint8Array, count: number): Column {
  const body = bytes.subarray(1);
  switch (String.fromCharCode(bytes[0] as number)) {
    case 'b':
      return { kind: 'boolean', numbers: unpackBits(body, count) };
    case 'i':
      return { kind: 'number', numbers: wholeNumbers(body, count) };
    case 'd':
      return { kind: 'number', numbers: fromPlanes(body, count) };
    case 's':
      return { kind: 'other', values: strings(body, count) };
    case 'j':
      return { kind: 'other', values: JSON.parse(textOf(body)) };
    default:
      throw new Error(`a column of unknown kind ${bytes[0]}`);
  }
}

export function packBits(values: ArrayLike<boolean>): Uint8Array {
  const bits = new Uint8Array(Math.ceil(values.length / 8));
  for (let index = 0; index < values.length; index += 1) {
    if (values[index]) bits[index >> 3] = (bits[index >> 3] as number) | (1 << (index & 7));
  }
  return bits;
}

export function unpackBits(bits: Uint8Array, count: number): Float64Array {
  const values = new Float64Array(count);
  for (let index = 0; index < count; index += 1) values[index] = ((bits[index >> 3] as number) >> (index & 7)) & 1;
  return values;
}

/** @returns undefined: not every number is a decimal of few digits, or they lie too far apart */
function wholeColumn(numbers: Float64Array): Uint8Array | undefined {
  const scale = scaleOf(numbers);
  if (scale === undefined) return undefined;
  const factor = 10 ** scale;
  const deltas = new Float64Array(numbers.length - 1);
  let least = 0;
  let most = 0;
  let before = Math.round((numbers[0] as number) * factor);
  for (let index = 0; index < deltas.length; index += 1) {
    const whole = Math.round((numbers[index + 1] as number) * factor);
    const delta = whole - before;
    deltas[index] = delta;
    if (delta < least) least = delta;
    if (delta > most) most = delta;
    before = whole;
  }
  const width = widthOf(least, most);
  if (width === undefined) return undefined;
  const bytes = new Uint8Array(1 + WHOLE_HEADER + deltas.length * width);
  const view = new DataView(bytes.buffer);
  bytes.set([charCode('i'), scale, width]);
  view.setFloat64(3, Math.round((numbers[0] as number) * factor), true);
  const body = 1 + WHOLE_HEADER;
  for (let index = 0; index < deltas.length; index += 1) {
    const delta = deltas[index] as number;
    if (width === 1) view.setInt8(body + index, delta);
    else if (width === 2) view.setInt16(body + 2 * index, delta, true);
    else view.setInt32(body + 4 * index, delta, true);
  }
  return bytes;
}

function wholeNumbers(body: Uint8Array, count: number): Float64Array {
  const [scale, width] = body as unknown as [number, number];
  const first = new DataView(body.buffer, body.byteOffset).getFloat64(2, true);
  const numbers = summed(first, deltasOf(body.subarray(WHOLE_HEADER), width), count);
  if (scale === 0) return numbers;
  const factor = 10 ** scale;
  for (let index = 0; index < count; index += 1) numbers[index] = (numbers[index] as number) / factor;
  return numbers;
}

/** A copy: an array of wider numbers has to begin where its width divides the address. */
function deltasOf(bytes: Uint8Array, width: number): Int8Array | Int16Array | Int32Array {
  const { buffer } = new Uint8Array(bytes);
  if (width === 1) return new Int8Array(buffer);
  return width === 2 ? new Int16Array(buffer) : new Int32Array(buffer);
}

function summed(first: number, deltas: Int8Array | Int16Array | Int32Array, count: number): Float64Array {
  const numbers = new Float64Array(count);
  let whole = first;
  numbers[0] = whole;
  for (let index = 1; index < count; index += 1) {
    whole += deltas[index - 1] as number;
    numbers[index] = whole;
  }
  return numbers;
}

/** The fewest decimals with which every number is whole and comes back as it was; undefined: there are none. */
function scaleOf(numbers: Float64Array): number | undefined {
  for (let scale = 0; scale <= MAX_SCALE; scale += 1) {
    const factor = 10 ** scale;
    if (numbers.every((number) => isWhole(number, factor))) return scale;
  }
  return undefined;
}

function isWhole(number: number, factor: number): boolean {
  const whole = Math.round(number * factor);
  return whole / factor === number && Math.abs(whole) <= MAX_WHOLE && !Object.is(number, -0);
}

function widthOf(least: number, most: number): 1 | 2 | 4 | undefined {
  for (const width of [1, 2, 4] as const) {
    const limit = 2 ** (8 * width - 1);
    if (least >= -limit && most < limit) return width;
  }
  return undefined;
}

function planesOf(numbers: Float64Array): Uint8Array {
  const bytes = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
  const planes = new Uint8Array(bytes.length);
  for (let plane = 0, to = 0; plane < 8; plane += 1) {
    for (let from = plane; from < bytes.length; from += 8, to += 1) planes[to] = bytes[from] as number;
  }
  return planes;
}

function fromPlanes(planes: Uint8Array, count: number): Float64Array {
  const numbers = new Float64Array(count);
  const bytes = new Uint8Array(numbers.buffer);
  for (let plane = 0, from = 0; plane < 8; plane += 1) {
    for (let to = plane; to < bytes.length; to += 8, from += 1) bytes[to] = planes[from] as number;
  }
  return numbers;
}

function stringColumn(values: readonly string[]): Uint8Array {
  const codes = new Map<string, number>();
  for (const value of values) {
    if (codes.has(value)) continue;
    if (codes.size === MAX_DICTIONARY || codes.size > values.length / 2) return textColumn(values);
    codes.set(value, codes.size);
  }
  const width = codes.size <= 256 ? 1 : 2;
  const text = Buffer.from(JSON.stringify([...codes.keys()]));
  const bytes = new Uint8Array(2 + values.length * width + text.length);
  bytes.set([charCode('s'), width]);
  for (const [index, value] of values.entries()) {
    const code = codes.get(value) as number;
    bytes[2 + index * width] = code & 255;
    if (width === 2) bytes[3 + index * width] = code >> 8;
  }
  bytes.set(text, 2 + values.length * width);
  return bytes;
}

function strings(body: Uint8Array, count: number): readonly string[] {
  const width = body[0] as number;
  const dictionary = JSON.parse(textOf(body.subarray(1 + count * width))) as string[];
  return Array.from({ length: count }, (_, index) => {
    const at = 1 + index * width;
    const code = (body[at] as number) + (width === 2 ? (body[at + 1] as number) * 256 : 0);
    return dictionary[code] as string;
  });
}

const textColumn = (values: readonly MetricValue[]) => tagged('j', Buffer.from(JSON.stringify(values)));

function tagged(letter: string, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(1 + body.length);
  bytes[0] = charCode(letter);
  bytes.set(body, 1);
  return bytes;
}

const charCode = (letter: string) => letter.charCodeAt(0);
const textOf = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
