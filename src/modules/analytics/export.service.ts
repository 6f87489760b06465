import type { Clock } from '#kernel/clock.ts';
import type { ColumnarEngine } from '#platform/columnar/columnar.port.ts';
import type { Metrics, TelemetryStore } from '#platform/telemetry/telemetry.port.ts';
import { type AskedRange, rangeOf } from './ranges.ts';

export interface ExportRow {
  readonly timestamp: number;
  readonly metrics: Metrics;
}

export interface TelemetryExport {
  /** One a metric. */
  readonly columns: readonly string[];
  /** By time, page by page, read as the consumer asks for more. */
  readonly rows: AsyncIterable<readonly ExportRow[]>;
}

export interface ExportService {
  /** @throws AppError `invalid_analysis_range` */
  open(
    deviceId: number,
    asked: AskedRange & { readonly metrics?: readonly string[] },
    /** Aborted: nobody wants the rest, and reading it fails. */
    signal: AbortSignal,
  ): Promise<TelemetryExport>;
  parquet(file: TelemetryExport): AsyncIterable<Uint8Array>;
}

const PAGE = 1_000;

export function createExportService(dependencies: {
  readonly telemetry: Pick<TelemetryStore, 'history' | 'latest'>;
  readonly columns: Pick<ColumnarEngine, 'parquet'>;
  readonly clock: Clock;
}): ExportService {
  const { telemetry, columns: engine, clock } = dependencies;
  return {
    async open(deviceId, { metrics, ...asked }, signal) {
      const range = rangeOf(asked, clock);
      const columns = [...new Set(metrics ?? Object.keys(await telemetry.latest(deviceId)).sort())];
      async function* rows() {
        for (let after: number | null | undefined; after !== null; ) {
          signal.throwIfAborted();
          const page = await telemetry.history({
            ...{ deviceId, ...range, metrics: columns, order: 'asc' as const, limit: PAGE },
            ...(after === undefined ? {} : { after }),
          });
          if (page.samples.length > 0) yield page.samples;
          after = page.next;
        }
      }
      return { columns, rows: rows() };
    },
    parquet: ({ columns, rows }) => engine.parquet(columns, rows),
  };
}
