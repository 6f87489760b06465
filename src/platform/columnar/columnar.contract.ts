import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ColumnarEngine, ColumnarRow, Columns, OutlierQuery } from './columnar.port.ts';

export interface ColumnarHarness {
  readonly engine: ColumnarEngine;
  /** What a Parquet file holds: the types of its columns, and its rows in order, instants as epoch milliseconds. */
  read(file: Uint8Array): Promise<{ readonly types: readonly string[]; readonly rows: readonly object[] }>;
  close(): Promise<void>;
}

/** The specification of `ColumnarEngine`; every adapter passes it unchanged. */
export function columnarContract(name: string, open: () => Promise<ColumnarHarness>): void {
  describe(`columnar engine: ${name}`, () => {
    let harness: ColumnarHarness;
    beforeAll(async () => {
      harness = await open();
    });
    afterAll(() => harness.close());

    async function* series(values: readonly number[], slice = 3): AsyncGenerator<Columns> {
      for (let from = 0; from < values.length; from += slice) {
        const part = values.slice(from, from + slice);
        yield {
          timestamps: Float64Array.from(part, (_, index) => 1000 + from + index),
          values: Float64Array.from(part),
        };
      }
    }
    const outliers = (values: readonly number[], query: Partial<OutlierQuery> = {}) =>
      harness.engine.outliers(series(values), { window: 4, threshold: 3, limit: 10, ...query });

    test('a value far from those before it is an outlier, with the numbers that say so', async () => {
      // Mean 11 and variance (4·1)/3 of the four before; of all nine: mean 12, variance 104/8 + …
      const values = [10, 12, 10, 12, 20, 10, 12, 10, 12];
      const found = await outliers(values);
      const mean = values.reduce((sum, x) => sum + x, 0) / 9;
      const deviation = Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 8);
      expect(found).toMatchObject({ samples: 9, total: 1, mean: expect.closeTo(mean, 12) });
      expect(found.deviation).toBeCloseTo(deviation, 12);
      expect(found.outliers).toEqual([
        {
          ...{ timestamp: 1004, value: 20, movingAverage: 11, movingScore: expect.closeTo(9 / Math.sqrt(4 / 3), 12) },
          ...{ score: expect.closeTo((20 - mean) / deviation, 12), byMovingAverage: true, byScore: false },
        },
      ]);
      expect((await outliers(values, { threshold: 2 })).outliers).toMatchObject([{ value: 20, byScore: true }]);
    });

    test('a change after equal values is one, however small; equal values never are', async () => {
      const found = await outliers([0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.2, 0.1]);
      expect(found.outliers).toMatchObject([{ value: 0.2, movingScore: null, byMovingAverage: true }]);
      expect(await outliers([0.1, 0.1, 0.1, 0.1, 0.1, 0.1])).toMatchObject({ total: 0, deviation: 0 });
    });

    test('the first values have nothing to be compared with but all; the rest beyond the limit is counted', async () => {
      const found = await outliers([1000, ...Array.from({ length: 40 }, (_, index) => index % 2)], { limit: 1 });
      expect(found).toMatchObject({ total: 1, outliers: [{ value: 1000, movingAverage: null, byScore: true }] });
      const many = await outliers([0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1], { limit: 2 });
      expect([many.total, many.outliers.length]).toEqual([3, 2]);
    });

    test('nothing at all', async () => {
      expect(await outliers([])).toEqual({ samples: 0, mean: null, deviation: null, total: 0, outliers: [] });
    });

    test('a Parquet file holds the rows in columns of their types', async () => {
      async function* rows(): AsyncGenerator<readonly ColumnarRow[]> {
        yield [
          { timestamp: 1_760_000_000_123, metrics: { a: 1.5, on: true, mixed: 1, 'it\'s "x"': 'text' } },
          { timestamp: 1_760_000_000_124, metrics: { a: 2, A: 3, unasked: 9 } },
        ];
        yield [{ timestamp: 1_760_000_001_000, metrics: { on: false, mixed: 'one', timestamp: 4 } }];
        yield [{ timestamp: 1_760_000_001_001, metrics: { mixed: true } }];
      }
      const columns = ['a', 'A', 'on', 'mixed', 'it\'s "x"', 'timestamp', 'never'];
      const parts: Uint8Array[] = [];
      for await (const part of harness.engine.parquet(columns, rows())) parts.push(part);
      const { types, rows: read } = await harness.read(Buffer.concat(parts));
      expect(types).toEqual([
        ...[
          'timestamp TIMESTAMP WITH TIME ZONE',
          'a DOUBLE',
          'A_2 DOUBLE',
          'on BOOLEAN',
          'mixed VARCHAR',
          `it's "x" VARCHAR`,
        ],
        ...['timestamp_2 DOUBLE', 'never DOUBLE'],
      ]);
      const none = { a: null, A_2: null, on: null, mixed: null, 'it\'s "x"': null, timestamp_2: null, never: null };
      expect(read).toEqual([
        { ...none, timestamp: 1_760_000_000_123, a: 1.5, on: true, mixed: '1.0', 'it\'s "x"': 'text' },
        { ...none, timestamp: 1_760_000_000_124, a: 2, A_2: 3 },
        { ...none, timestamp: 1_760_000_001_000, on: false, mixed: 'one', timestamp_2: 4 },
        { ...none, timestamp: 1_760_000_001_001, mixed: 'true' },
      ]);
    });

    test('more at once than it does at a time all come to their end; one that fails holds up no other', async () => {
      async function* broken(): AsyncGenerator<Columns> {
        yield { timestamps: Float64Array.of(1), values: Float64Array.of(1) };
        throw new Error('the store is away');
      }
      const failing = [1, 2, 3].map(() => harness.engine.outliers(broken(), { window: 4, threshold: 3, limit: 1 }));
      const fine = [1, 2, 3, 4].map(() => outliers([1, 1, 1, 1, 2]));
      for (const outcome of await Promise.allSettled(failing)) {
        expect(outcome).toEqual({ status: 'rejected', reason: new Error('the store is away') });
      }
      expect((await Promise.all(fine)).map(({ total }) => total)).toEqual([1, 1, 1, 1]);
    });
  });
}
