import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { MetricValue } from '../telemetry.port.ts';
import { valueAt } from './column.codec.ts';
import { decodeSegment, encodeSegment, type SegmentSample } from './segment.codec.ts';

/** As JSON has them: there is no -0, NaN or infinity. */
const anyNumber = fc
  .oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => (x === 0 ? 0 : x)),
    fc.integer(),
    fc.maxSafeInteger(),
    fc
      .tuple(fc.integer({ min: -1_000_000, max: 1_000_000 }), fc.integer({ min: 0, max: 9 }))
      .map(([x, k]) => x / 10 ** k),
    fc.constantFrom(
      Number.MAX_VALUE,
      Number.MIN_VALUE,
      2 ** 53,
      2 ** 31,
      -(2 ** 31),
      127,
      128,
      -129,
      32_768,
      0.1 + 0.2,
    ),
  )
  .map((x) => (x === 0 ? 0 : x));
const anyString = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('', 'on', 'off', '\ud800', '"\n', '0'));
const anyValue = fc.oneof(anyNumber, fc.boolean(), anyString);
/** What a device calls its metrics: mostly the same few names. */
const names = fc.oneof(
  fc.constantFrom('a', 'b', '__proto__', 'constructor', '7', 'ü', 'temperature'),
  fc.string({ minLength: 1 }),
);
/** Each metric has mostly values of one kind. */
const samples = fc
  .tuple(
    fc.uniqueArray(fc.oneof(fc.integer({ min: 0, max: 3_599_999 }), fc.integer({ min: 0, max: 50 })), {
      minLength: 1,
      maxLength: 60,
    }),
    fc.uniqueArray(fc.tuple(names, fc.constantFrom(anyNumber, fc.boolean(), anyString, anyValue)), {
      selector: ([name]) => name,
      maxLength: 5,
    }),
    fc.constantFrom(0, 1_700_000_000_000, -3_600_000),
  )
  .chain(([times, metrics, start]) =>
    fc.tuple(
      ...times
        .sort((a, b) => a - b)
        .map((time) =>
          fc
            .tuple(
              ...metrics.map(([name, values]) =>
                fc.option(fc.tuple(fc.constant(name), values as fc.Arbitrary<MetricValue>)),
              ),
            )
            .map((entries) => ({
              timestamp: start + time,
              metrics: Object.fromEntries(entries.filter((entry) => entry !== null)),
            })),
        ),
    ),
  );

const hour = (sampled: (index: number) => MetricValue | undefined): SegmentSample[] =>
  Array.from({ length: 3_600 }, (_, index) => {
    const value = sampled(index);
    return { timestamp: 1_700_000_000_000 + index * 1_000, metrics: value === undefined ? {} : { x: value } };
  });

describe('a segment', () => {
  test('any samples in, the same samples out', () => {
    fc.assert(
      fc.property(samples, (given) => {
        expect(decodeSegment(encodeSegment(given)).samples()).toStrictEqual(given);
      }),
      { numRuns: 500 },
    );
  });

  test('read metric by metric it says the same', () => {
    fc.assert(
      fc.property(samples, (given) => {
        const segment = decodeSegment(encodeSegment(given));
        expect([...segment.timestamps()]).toEqual(given.map(({ timestamp }) => timestamp));
        for (const name of segment.metrics) {
          const { values, positions } = segment.column(name) ?? expect.fail(name);
          const found = given.flatMap(({ metrics }, index) =>
            Object.hasOwn(metrics, name) ? [[index, metrics[name]]] : [],
          );
          expect(found.map((_, at) => [positions === null ? at : positions[at], valueAt(values, at)])).toEqual(found);
        }
        expect(segment.column('not there')).toBeUndefined();
      }),
      { numRuns: 200 },
    );
  });

  test.each([
    ['a second that never changes', () => 1, 0.1],
    ['a counter', (index: number) => 1_000_000 + index * 7, 0.1],
    ['a boolean', (index: number) => index % 600 < 30, 0.1],
    ['a temperature with one decimal', (index: number) => Math.round(200 + 30 * Math.sin(index / 300)) / 10, 0.5],
    ['a state of few words', (index: number) => (index % 900 < 100 ? 'charging' : 'idle'), 0.1],
  ])('of an hour of %s takes few bytes', (_, sampled, bytesPerSample) => {
    const given = hour(sampled);
    const bytes = encodeSegment(given);
    expect(decodeSegment(bytes).samples()).toStrictEqual(given);
    expect(bytes.length / given.length).toBeLessThan(bytesPerSample);
  });

  test('of doubles of full precision, the worst case, takes no more than they do', () => {
    let state = 1;
    const given = hour(() => {
      state = (state * 48_271) % 2_147_483_647;
      return state / 2_147_483_647;
    });
    const bytes = encodeSegment(given);
    expect(decodeSegment(bytes).samples()).toStrictEqual(given);
    expect(bytes.length / given.length).toBeLessThan(8.1);
  });

  test('of another version is refused, and named', () => {
    const bytes = encodeSegment(hour(() => 1));
    bytes[0] = 9;
    expect(() => decodeSegment(bytes)).toThrow('version 9');
  });
});
