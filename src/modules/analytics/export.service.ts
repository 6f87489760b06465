import type { Principal } from '#kernel/access.ts';
import { type Clock, toIso } from '#kernel/clock.ts';
import { defined } from '#kernel/defined.ts';
import type { AuditWriter } from '#platform/audit/audit.port.ts';
import type { ColumnarEngine } from '#platform/columnar/columnar.port.ts';
import type { Metrics, TelemetryStore } from '#platform/telemetry/telemetry.port.ts';
import type { TimeRange } from './analytics.ports.ts';
import { type AskedRange, rangeOf } from './ranges.ts';

export interface ExportRow {
  readonly timestamp: number;
  readonly metrics: Metrics;
}

export interface TelemetryExport {
  /** One a metric. */
  readonly columns: readonly string[];
  readonly range: TimeRange;
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
  /** Notes in the audit trail that somebody takes the data away. */
  note(principal: Principal, deviceId: number, file: TelemetryExport, format: string): Promise<void>;
  parquet(file: TelemetryExport): AsyncIterable<Uint8Array>;
}

const PAGE = 1_000;

export function createExportService(dependencies: {
  readonly telemetry: Pick<TelemetryStore, 'history' | 'latest'>;
  readonly columns: Pick<ColumnarEngine, 'parquet'>;
  readonly clock: Clock;
  readonly audit: AuditWriter;
}): ExportService {
  const { telemetry, columns: engine, clock, audit } = dependencies;
  return {
    async open(deviceId, { metrics, ...asked }, signal) {
      const range = rangeOf(asked, clock);
      const columns = [...new Set(metrics ?? Object.keys(await telemetry.latest(deviceId)).sort())];
      async function* rows() {
        for (let after: number | null | undefined; after !== null; ) {
          signal.throwIfAborted();
          const page = await telemetry.history({
            ...{ deviceId, ...range, metrics: columns, order: 'asc' as const, limit: PAGE },
            ...defined({ after }),
          });
          if (page.samples.length > 0) yield page.samples;
          after = page.next;
        }
      }
      return { columns, range, rows: rows() };
    },
    note: (principal, deviceId, { range, columns: metrics }, format) =>
      audit.record({
        ...{ actor: principal, action: 'telemetry.exported', resourceType: 'device', resourceId: String(deviceId) },
        details: { format, start: toIso(range.start), end: toIso(range.end), metrics: metrics.length },
      }),
    parquet: ({ columns, rows }) => engine.parquet(columns, rows),
  };
}
