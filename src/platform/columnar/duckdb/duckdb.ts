import { type FileHandle, mkdtemp, open as openFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { giveWay } from '#kernel/concurrency.ts';
import { commonErrors } from '#kernel/errors.ts';
import type { CellValue, ColumnarEngine, ColumnarRow, Columns, Outlier } from '../columnar.port.ts';

/** Cells handed over before others have their turn. */
const TURN = 4_000;
const MEMORY = '256MB';
/** Of each kind at a time; others wait. A file that is made holds up no computation. */
const SLOTS = { outliers: 2, parquet: 2 } as const;

/**
 * DuckDB, loaded with the first computation and gone after each: it runs on threads of its own. A computation has a
 * database in a temporary folder, so that one cannot use up the memory of another.
 */
export function createDuckdb(): ColumnarEngine {
  const lanes = { outliers: createLane(SLOTS.outliers), parquet: createLane(SLOTS.parquet) };
  const open = new Set<DuckDBConnection>();
  let stopped = false;

  interface Workshop {
    readonly connection: DuckDBConnection;
    readonly folder: string;
    /** What is left in the folder goes with it. */
    close(): Promise<void>;
  }

  async function workshop(lane: keyof typeof lanes): Promise<Workshop> {
    const { acquire, release } = lanes[lane];
    await acquire();
    let folder: string | undefined;
    try {
      if (stopped) throw commonErrors.unavailable({ detail: 'The server is stopping.' });
      const { DuckDBInstance } = await import('@duckdb/node-api');
      const made = await mkdtemp(join(tmpdir(), 'core-api-columns-'));
      folder = made;
      const instance = await DuckDBInstance.create(join(made, 'work.db'), {
        memory_limit: MEMORY,
        threads: '2',
        temp_directory: made,
        autoinstall_known_extensions: 'false',
        autoload_known_extensions: 'false',
      });
      const connection = await instance.connect();
      open.add(connection);
      return {
        connection,
        folder: made,
        async close() {
          open.delete(connection);
          connection.closeSync();
          instance.closeSync();
          await rm(made, { recursive: true, force: true });
          release();
        },
      };
    } catch (error) {
      if (folder !== undefined) await rm(folder, { recursive: true, force: true });
      release();
      throw error;
    }
  }

  return {
    name: 'columns',
    async stop() {
      stopped = true;
      for (const connection of open) connection.interrupt();
    },
    async outliers(series, { window, threshold, limit }) {
      const { connection, close } = await workshop('outliers');
      try {
        await connection.run('CREATE TABLE points (t DOUBLE, x DOUBLE)');
        await appendPoints(connection, series);
        await connection.run(outliersOf(Math.trunc(window), threshold));
        const [summary] = await objectsOf(connection, 'SELECT * FROM summary');
        const [{ total } = { total: 0 }] = await objectsOf(connection, 'SELECT count(*)::DOUBLE AS total FROM found');
        const rows = await objectsOf(connection, `SELECT * FROM found ORDER BY t LIMIT ${Math.trunc(limit)}`);
        return {
          samples: summary?.['n'] as number,
          mean: summary?.['mean'] as number | null,
          deviation: summary?.['deviation'] as number | null,
          total: total as number,
          outliers: rows.map(toOutlier),
        };
      } finally {
        await close();
      }
    },
    async *parquet(columns, rows) {
      const { connection, folder, close } = await workshop('parquet');
      let made: FileHandle;
      try {
        await connection.run('CREATE TABLE cells (t BIGINT, c INTEGER, number DOUBLE, flag BOOLEAN, text VARCHAR)');
        await connection.run('CREATE TABLE times (t BIGINT)');
        await appendCells(connection, columns, rows);
        const kinds = await objectsOf(
          connection,
          'SELECT c, count(number) AS numbers, count(flag) AS flags, count(*) AS total FROM cells GROUP BY c',
        );
        const file = join(folder, 'export.parquet');
        await connection.run(`COPY (${pivotOf(columns, kinds)}) TO '${file.replaceAll("'", "''")}' (FORMAT parquet)`);
        // An open file is there until it is closed, whatever becomes of its folder: its reader, who may take hours,
        // holds neither a slot nor the database.
        made = await openFile(file);
      } finally {
        await close();
      }
      yield* made.createReadStream();
    },
  };
}

/** Lets so many in at a time. */
function createLane(slots: number) {
  const waiting: (() => void)[] = [];
  let free = slots;
  return {
    async acquire(): Promise<void> {
      if (free > 0) free -= 1;
      else await new Promise<void>((resolve) => waiting.push(resolve));
    },
    release(): void {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    },
  };
}

/** `summary` and `found` over `points`. What rounding leaves of a deviation of equal values is none. */
function outliersOf(window: number, threshold: number): string {
  return `
    CREATE TEMP TABLE summary AS
      SELECT count(*)::DOUBLE AS n, avg(x) AS mean,
        CASE WHEN min(x) = max(x) THEN 0 ELSE stddev_samp(x) END AS deviation FROM points;
    CREATE TEMP TABLE found AS
      WITH compared AS (
        SELECT t, x, avg(x) OVER before AS moving, count(*) OVER before AS n,
          CASE WHEN min(x) OVER before = max(x) OVER before THEN 0 ELSE stddev_samp(x) OVER before END AS spread,
          min(x) OVER before AS level
        FROM points WINDOW before AS (ORDER BY t ROWS BETWEEN ${window} PRECEDING AND 1 PRECEDING)
      ), scored AS (
        SELECT t, x,
          CASE WHEN compared.n = ${window} THEN moving END AS moving,
          CASE WHEN compared.n = ${window} AND spread > 0 THEN (x - moving) / spread END AS moving_score,
          compared.n = ${window} AND spread = 0 AND x <> level AS jumped,
          CASE WHEN deviation > 0 THEN (x - mean) / deviation END AS score
        FROM compared, summary
      ), judged AS (
        SELECT t, x, moving, moving_score, score,
          jumped OR coalesce(abs(moving_score) > ${threshold}, false) AS by_moving,
          coalesce(abs(score) > ${threshold}, false) AS by_score
        FROM scored
      )
      SELECT * FROM judged WHERE by_moving OR by_score;`;
}

type Row = Readonly<Record<string, unknown>>;

async function objectsOf(connection: DuckDBConnection, sql: string): Promise<readonly Row[]> {
  return (await connection.runAndReadAll(sql)).getRowObjects() as readonly Row[];
}

function toOutlier(row: Row): Outlier {
  return {
    timestamp: row['t'] as number,
    value: row['x'] as number,
    movingAverage: row['moving'] as number | null,
    movingScore: row['moving_score'] as number | null,
    score: row['score'] as number | null,
    byMovingAverage: row['by_moving'] as boolean,
    byScore: row['by_score'] as boolean,
  };
}

async function appendPoints(connection: DuckDBConnection, series: AsyncIterable<Columns>): Promise<void> {
  const appender = await connection.createAppender('points');
  let appended = 0;
  for await (const { timestamps, values } of series) {
    for (let index = 0; index < timestamps.length; index += 1) {
      appender.appendDouble(timestamps[index] as number);
      appender.appendDouble(values[index] as number);
      appender.endRow();
      if (++appended % TURN === 0) await giveWay();
    }
  }
  appender.closeSync();
}

async function appendCells(
  connection: DuckDBConnection,
  columns: readonly string[],
  rows: AsyncIterable<readonly ColumnarRow[]>,
): Promise<void> {
  const cells = await connection.createAppender('cells');
  const times = await connection.createAppender('times');
  let appended = 0;
  const append = (value: CellValue | null) => {
    if (typeof value === 'number') cells.appendDouble(value);
    else cells.appendNull();
    if (typeof value === 'boolean') cells.appendBoolean(value);
    else cells.appendNull();
    if (typeof value === 'string') cells.appendVarchar(value);
    else cells.appendNull();
  };
  for await (const page of rows) {
    for (const { timestamp, metrics } of page) {
      times.appendBigInt(BigInt(timestamp));
      times.endRow();
      for (const [index, column] of columns.entries()) {
        if (!Object.hasOwn(metrics, column)) continue;
        cells.appendBigInt(BigInt(timestamp));
        cells.appendInteger(index);
        append(metrics[column] as CellValue);
        cells.endRow();
        if (++appended % TURN === 0) await giveWay();
      }
    }
    cells.flushSync();
    times.flushSync();
  }
  cells.closeSync();
  times.closeSync();
}

function pivotOf(columns: readonly string[], kinds: readonly Row[]): string {
  const kindOf = new Map(kinds.map((row) => [Number(row['c']), row]));
  const names = distinctNames(['timestamp', ...columns]).slice(1);
  const selected = columns.map((_, index) => {
    const { numbers = 0n, flags = 0n, total = 0n } = (kindOf.get(index) ?? {}) as Readonly<Record<string, bigint>>;
    const value =
      total === numbers ? 'number' : total === flags ? 'flag' : 'coalesce(text, number::VARCHAR, flag::VARCHAR)';
    return `any_value(${value}) FILTER (c = ${index}) AS "${names[index]?.replaceAll('"', '""')}"`;
  });
  return `SELECT epoch_ms(t)::TIMESTAMPTZ AS "timestamp"${selected.map((each) => `, ${each}`).join('')}
    FROM times LEFT JOIN cells USING (t) GROUP BY t ORDER BY t`;
}

/** SQL names take no notice of case: what differs by nothing else gets a number. */
function distinctNames(names: readonly string[]): readonly string[] {
  const used = new Set<string>();
  return names.map((name) => {
    let distinct = name;
    for (let number = 2; used.has(distinct.toLowerCase()); number += 1) distinct = `${name}_${number}`;
    used.add(distinct.toLowerCase());
    return distinct;
  });
}
