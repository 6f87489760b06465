import type { ColumnarEngine } from '#platform/columnar/columnar.port.ts';

/** Computation on columns: DuckDB in the process, which loads itself when it is needed. */
export async function createColumnar(): Promise<ColumnarEngine> {
  const { createDuckdb } = await import('#platform/columnar/duckdb/duckdb.ts');
  return createDuckdb();
}
