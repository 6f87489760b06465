import { readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { expect, test } from 'vitest';
import { temporaryFolder } from '#test/support/folders.ts';
import { columnarContract } from '../columnar.contract.ts';
import { createDuckdb } from './duckdb.ts';

columnarContract('DuckDB', async () => {
  const engine = createDuckdb();
  return {
    engine,
    async read(file) {
      const folder = temporaryFolder();
      const path = join(folder.path, 'file.parquet');
      writeFileSync(path, file);
      const connection = await (await DuckDBInstance.create()).connect();
      const described = await connection.runAndReadAll(`DESCRIBE SELECT * FROM '${path}'`);
      const types = described.getRowObjects().map((row) => `${row['column_name']} ${row['column_type']}`);
      const sql = `SELECT * REPLACE (epoch_ms("timestamp")::DOUBLE AS "timestamp") FROM '${path}' ORDER BY "timestamp"`;
      const rows = (await connection.runAndReadAll(sql)).getRowObjects();
      connection.closeSync();
      folder.remove();
      return { types, rows };
    },
    close: async () => engine.stop?.(AbortSignal.timeout(1_000)),
  };
});

test('it leaves no files behind, also when nobody reads to the end', async () => {
  const left = () => readdirSync(tmpdir()).filter((name) => name.startsWith('core-api-columns-'));
  const before = new Set(left());
  const engine = createDuckdb();
  async function* rows() {
    yield [{ timestamp: 1, metrics: { a: 1 } }];
  }
  for await (const part of engine.parquet(['a'], rows())) {
    expect(part.length).toBeGreaterThan(0);
    break;
  }
  // Other tests work at the same time: theirs are gone in the end too.
  await expect.poll(() => left().filter((name) => !before.has(name)), { timeout: 10_000 }).toEqual([]);
});
