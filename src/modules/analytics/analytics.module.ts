import type { Clock } from '#kernel/clock.ts';
import type { DevicesApi } from '#modules/devices/index.ts';
import type { TelemetryApi } from '#modules/telemetry/index.ts';
import type { AuditWriter } from '#platform/audit/audit.port.ts';
import type { ColumnarEngine } from '#platform/columnar/columnar.port.ts';
import type { DocumentStore } from '#platform/documents/documents.port.ts';
import type { ModuleWith } from '#platform/module/module.port.ts';
import type { Runs } from '#platform/runs/runs.port.ts';
import type { TelemetryStore } from '#platform/telemetry/telemetry.port.ts';
import { createAggregationService } from './aggregation.service.ts';
import { createAnalyticsJobs } from './analytics.jobs.ts';
import type { AnalysisResult } from './analytics.ports.ts';
import { createBucketRoutes } from './analytics.routes.ts';
import { createAnomaliesService } from './anomalies.service.ts';
import { createDailyAnalytics } from './daily.service.ts';
import { createExportRoutes } from './export.routes.ts';
import { createExportService } from './export.service.ts';
import { createReportRoutes } from './reports.routes.ts';
import { createReportsService } from './reports.service.ts';
import { createStatusAnalysisService } from './status.service.ts';
import { createTrendsService } from './trends.service.ts';

export interface AnalyticsModuleDependencies {
  readonly stores: { readonly telemetry: TelemetryStore; readonly documents: DocumentStore };
  readonly columns: ColumnarEngine;
  readonly devices: Pick<DevicesApi, 'getVisible' | 'describe' | 'statusOf' | 'listInScope'>;
  /** What devices logged. */
  readonly logs: Pick<TelemetryApi, 'statusChanges'>;
  /** When nobody listened to devices. */
  readonly runs: Pick<Runs, 'gaps'>;
  readonly clock: Clock;
  /** In which a day begins and ends. */
  readonly timeZone: string;
  /** How long stored results are kept. */
  readonly retentionMs: number;
  /** How long samples are kept. */
  readonly telemetryRetentionMs: number;
  readonly audit: AuditWriter;
}

export type AnalyticsModule = ModuleWith<'routes' | 'jobs'>;

export function createAnalyticsModule(dependencies: AnalyticsModuleDependencies): AnalyticsModule {
  const { stores, columns, devices, logs, runs, clock, timeZone, retentionMs, telemetryRetentionMs, audit } =
    dependencies;
  const { telemetry } = stores;
  const results = stores.documents.collection<AnalysisResult>({
    name: 'analytics_results',
    indexes: [
      ['created_at'],
      ['analysis_type', 'created_at'],
      ['device_id', 'created_at'],
      ['analysis_type', 'device_id', 'created_at'],
    ],
    expiry: { field: 'created_at', afterMs: retentionMs },
  });
  const aggregation = createAggregationService({ telemetry, devices, clock });
  const statuses = createStatusAnalysisService({ devices, logs, runs, clock });
  const trends = createTrendsService({ telemetry, clock });
  const anomalies = createAnomaliesService({ telemetry, columns, clock });
  const reports = createReportsService({ results, telemetry, statuses, trends, anomalies, clock, audit });
  const files = createExportService({ telemetry, columns, clock, audit });
  const daily = createDailyAnalytics({
    ...{ reports, devices, clock, timeZone },
    samplesKeptMs: telemetryRetentionMs,
    reportsKeptMs: retentionMs,
  });
  const prefix = '/api/v1/analytics';
  return {
    name: 'analytics',
    routes: [
      { prefix, routes: createBucketRoutes(aggregation) },
      { prefix, routes: createReportRoutes({ devices, statuses, trends, anomalies, reports }) },
      { prefix, routes: createExportRoutes(files, devices) },
    ],
    jobs: createAnalyticsJobs(daily, clock),
  };
}
