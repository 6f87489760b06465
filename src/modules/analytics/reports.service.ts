import type { Principal } from '#kernel/access.ts';
import { type Clock, toIso } from '#kernel/clock.ts';
import { defined } from '#kernel/defined.ts';
import { isAppError } from '#kernel/errors.ts';
import { createId } from '#kernel/ids.ts';
import { type OneOrMore, type Page, type PageQuery, parseSort, toPage } from '#kernel/pagination.ts';
import { LOG_RETENTION_MS } from '#modules/telemetry/index.ts';
import type { AuditWriter } from '#platform/audit/audit.port.ts';
import { type DocumentCollection, SEARCHED_DOCUMENTS } from '#platform/documents/documents.port.ts';
import type { TelemetryStore } from '#platform/telemetry/telemetry.port.ts';
import type { AnalysisResult, AnalysisType, TimeRange } from './analytics.ports.ts';
import { DEFAULT_THRESHOLD, DEFAULT_WINDOW } from './analytics.ports.ts';
import type { AnomaliesService } from './anomalies.service.ts';
import { bucketValue, PERCENTILES } from './buckets/functions.ts';
import { rangeOf } from './ranges.ts';
import { type DeviceReport, presentAnomalies, presentStatus, presentTrend } from './reports.presenter.ts';
import type { StatusAnalysisService } from './status.service.ts';
import type { TrendsService } from './trends.service.ts';

export interface ResultsQuery extends PageQuery {
  readonly analysisType?: OneOrMore<AnalysisType>;
  readonly deviceId?: OneOrMore<number>;
  /** Contained in the id or the type, of the newest 10,000 that match the rest. */
  readonly q?: string;
}

export interface ReportsService {
  /**
   * Makes a report and stores it under `id`; what is stored under it already is returned as it is.
   * @throws AppError `device_not_found`, `invalid_analysis_range`
   */
  make(type: AnalysisType, deviceId: number, range: TimeRange, id?: string): Promise<AnalysisResult>;
  /**
   * The same for a stored report of a device and a range, which takes the place of what is stored. Of a range that the
   * log of changes of status does not reach any more, the stored report goes on saying what it said of the status.
   * @throws AppError `device_not_found`
   */
  renew(known: AnalysisResult): Promise<void>;
  /** The daily reports of a device that begin in the range, up to 100. */
  daily(deviceId: number, range: TimeRange): Promise<readonly AnalysisResult[]>;
  /** How many values a report of each range between two edges would count. */
  counts(deviceId: number, edges: readonly number[]): Promise<readonly number[]>;
  /** The same on behalf of a person: it leaves an entry in the audit trail. */
  makeFor(principal: Principal, deviceId: number, range: TimeRange): Promise<AnalysisResult>;
  list(query: ResultsQuery): Promise<Page<AnalysisResult>>;
}

export interface ReportsServiceDependencies {
  readonly results: DocumentCollection<AnalysisResult>;
  readonly telemetry: Pick<TelemetryStore, 'aggregate' | 'latest'>;
  readonly statuses: StatusAnalysisService;
  readonly trends: TrendsService;
  readonly anomalies: AnomaliesService;
  readonly clock: Clock;
  readonly audit: AuditWriter;
}

/** Metrics in a report, the first by name. */
const MOST_METRICS = 20;
const SHOWN_OUTLIERS = 20;
const SEARCHED = { fields: ['id', 'analysis_type'], newestBy: 'created_at', most: SEARCHED_DOCUMENTS };
const SUMMARY = ['count', 'avg', 'min', 'max', 'stddev', 'p50', 'p95', 'first', 'last'] as const;

export function createReportsService(dependencies: ReportsServiceDependencies): ReportsService {
  const { results, telemetry, statuses, trends, anomalies, clock, audit } = dependencies;

  async function outliersOf(deviceId: number, metric: string, range: TimeRange) {
    const query = { ...range, metric, window: DEFAULT_WINDOW, threshold: DEFAULT_THRESHOLD, limit: SHOWN_OUTLIERS };
    try {
      return presentAnomalies(await anomalies.find(deviceId, query));
    } catch (error) {
      // Too many samples to look at one by one: the rest of the report stands.
      if (isAppError(error) && error.code === 'too_many_samples') return null;
      throw error;
    }
  }

  async function reportOf(deviceId: number, range: TimeRange): Promise<DeviceReport> {
    const status = presentStatus(await statuses.analyse(deviceId, range));
    const names = Object.keys(await telemetry.latest(deviceId)).sort();
    const metrics = names.slice(0, MOST_METRICS);
    const percentiles = [PERCENTILES.p50 as number, PERCENTILES.p95 as number];
    const { rows } = await telemetry.aggregate({
      ...{ deviceId, metrics, percentiles, edges: [range.start, range.end], moments: true, source: 'auto' },
    });
    const report: DeviceReport = { status, metrics: {}, metrics_left_out: names.length - metrics.length };
    for (const row of rows) {
      const summary = Object.fromEntries(SUMMARY.map((name) => [name, bucketValue(name, row, percentiles)]));
      const numeric = row.n > 0;
      const trend = await trends.trend(deviceId, { ...range, metric: row.metric, forecastHours: 24, source: 'auto' });
      report.metrics[row.metric] = {
        summary,
        trend: numeric ? presentTrend(trend) : null,
        anomalies: numeric ? await outliersOf(deviceId, row.metric, range) : null,
      };
    }
    return report;
  }

  async function make(
    type: AnalysisType,
    deviceId: number,
    asked: TimeRange,
    id: string = createId(),
  ): Promise<AnalysisResult> {
    const known = await results.findById(id);
    if (known !== null) return known;
    const range = rangeOf(asked, clock, '');
    const result = await reportOf(deviceId, range);
    const made = { id, analysis_type: type, device_id: deviceId, ...range, created_at: clock.now(), result };
    const [isNew] = await results.insertMany([made]);
    return isNew === false ? ((await results.findById(id)) ?? made) : made;
  }

  return {
    make,
    async renew({ analysis_type, device_id, start, end, result: stored }) {
      const made = await reportOf(device_id, { start, end });
      const isLogged = start > clock.now() - LOG_RETENTION_MS;
      const result = isLogged ? made : { ...made, status: (stored as DeviceReport).status };
      await results.updateMany({ filter: { analysis_type, device_id, start } }, { result, created_at: clock.now() });
    },
    daily: (deviceId, { start: from, end: to }) =>
      results.list({
        filter: { analysis_type: 'daily', device_id: deviceId },
        range: { field: 'start', from, to },
        sort: { field: 'created_at', direction: 'desc' },
        limit: 100,
      }),
    async counts(deviceId, edges) {
      const metrics = Object.keys(await telemetry.latest(deviceId))
        .sort()
        .slice(0, MOST_METRICS);
      const counts = edges.slice(1).map(() => 0);
      if (metrics.length === 0) return counts;
      const query = { deviceId, metrics, edges, percentiles: [], moments: false, source: 'auto' } as const;
      for (const { bucket, count } of (await telemetry.aggregate(query)).rows)
        counts[bucket] = (counts[bucket] ?? 0) + count;
      return counts;
    },
    async makeFor(principal, deviceId, range) {
      const made = await make('report', deviceId, range);
      await audit.record({
        ...{ actor: principal, action: 'report.created', resourceType: 'analysis_result', resourceId: made.id },
        details: { device_id: deviceId, start: toIso(made.start), end: toIso(made.end) },
      });
      return made;
    },
    async list(query) {
      const sort = parseSort(query.sort, ['created_at'], [{ field: 'created_at', direction: 'desc' }]);
      const matching = {
        filter: {
          ...defined({ analysis_type: query.analysisType, device_id: query.deviceId }),
        },
        ...(query.q === undefined ? {} : { contains: { ...SEARCHED, text: query.q } }),
      };
      const [items, total] = await Promise.all([
        results.list({
          ...matching,
          sort: { field: 'created_at', direction: sort[0]?.direction ?? 'desc' },
          limit: query.size,
          skip: (query.page - 1) * query.size,
        }),
        results.count(matching),
      ]);
      return toPage(items, total, query);
    },
  };
}
