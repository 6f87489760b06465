import { MANAGEMENT } from '#kernel/access.ts';
import { toIso } from '#kernel/clock.ts';
import { defined } from '#kernel/defined.ts';
import { instantOf } from '#kernel/instant.ts';
import { type DevicesApi, deviceErrors } from '#modules/devices/index.ts';
import { type HttpRoutes, principalOf } from '#platform/http/http.port.ts';
import { analyticsErrors } from './analytics.errors.ts';
import type { AnalysisType, TimeRange } from './analytics.ports.ts';
import { askedRange } from './analytics.routes.ts';
import { DeviceParams } from './analytics.schemas.ts';
import type { AnomaliesService } from './anomalies.service.ts';
import { presentAnomalies, presentStatus, presentTrend } from './reports.presenter.ts';
import {
  AnomaliesQueryParams,
  AnomaliesResponse,
  presentResult,
  RangeQuery,
  ReportBody,
  ResultsPage,
  ResultsQueryParams,
  ResultView,
  StatusResponse,
  TrendQueryParams,
  TrendResponse,
} from './reports.schemas.ts';
import type { ReportsService } from './reports.service.ts';
import type { StatusAnalysisService } from './status.service.ts';
import type { TrendsService } from './trends.service.ts';

export interface ReportRoutesDependencies {
  readonly devices: Pick<DevicesApi, 'getVisible'>;
  readonly statuses: StatusAnalysisService;
  readonly trends: TrendsService;
  readonly anomalies: AnomaliesService;
  readonly reports: ReportsService;
}

const tags = ['analytics'];
const ofDevice = [deviceErrors.device_not_found, analyticsErrors.invalid_analysis_range];

/** `/api/v1/analytics/status`, `/trends`, `/anomalies`, `/reports`, `/results` */
export function createReportRoutes(dependencies: ReportRoutesDependencies): HttpRoutes {
  const { devices, statuses, trends, anomalies, reports } = dependencies;
  return (app) => {
    app.get(
      '/status/:device_id',
      {
        config: { access: MANAGEMENT, problems: ofDevice },
        schema: {
          tags,
          operationId: 'getDeviceUptime',
          summary: 'How reliably a device was there',
          description: 'From the changes of status in its log, which is kept for 90 days.',
          params: DeviceParams,
          querystring: RangeQuery,
          response: { 200: StatusResponse },
        },
      },
      async (request) => {
        const { device_id } = request.params;
        await devices.getVisible(principalOf(request), device_id);
        const found = await statuses.analyse(device_id, askedRange(request.query));
        return { device_id, ...instants(found), ...presentStatus(found) };
      },
    );

    app.get(
      '/trends/:device_id',
      {
        config: { access: MANAGEMENT, problems: ofDevice },
        schema: {
          tags,
          operationId: 'getTrend',
          summary: 'Where a metric is going',
          description: 'The least-squares line over all samples of the range, and a forecast with a 95 % band.',
          params: DeviceParams,
          querystring: TrendQueryParams,
          response: { 200: TrendResponse },
        },
      },
      async (request) => {
        const { device_id } = request.params;
        const { metric, forecast_hours, source } = request.query;
        await devices.getVisible(principalOf(request), device_id);
        const query = { metric, forecastHours: forecast_hours, source: source as 'auto' };
        const found = await trends.trend(device_id, { ...query, ...askedRange(request.query) });
        return { device_id, metric, ...instants(found), ...presentTrend(found) };
      },
    );

    app.get(
      '/anomalies/:device_id',
      {
        config: { access: MANAGEMENT, problems: [...ofDevice, analyticsErrors.too_many_samples] },
        schema: {
          tags,
          operationId: 'listAnomalies',
          summary: 'Values of a metric that stand out',
          description:
            'Outliers from the mean of the values before (moving average), and from the mean of all (z-score). ' +
            'Up to 200,000 samples.',
          params: DeviceParams,
          querystring: AnomaliesQueryParams,
          response: { 200: AnomaliesResponse },
        },
      },
      async (request) => {
        const { device_id } = request.params;
        const { metric, window, threshold, limit } = request.query;
        await devices.getVisible(principalOf(request), device_id);
        const query = { metric, window, threshold, limit };
        const found = await anomalies.find(device_id, { ...query, ...askedRange(request.query) });
        return { device_id, metric, window, threshold, ...instants(found), ...presentAnomalies(found) };
      },
    );

    app.post(
      '/reports/:device_id',
      {
        config: { access: MANAGEMENT, problems: ofDevice },
        schema: {
          tags,
          operationId: 'createReport',
          summary: 'Make a report about a device',
          description: 'Status, and for each metric summary, trend and anomalies; stored in the results.',
          params: DeviceParams,
          body: ReportBody,
          response: { 201: ResultView },
        },
      },
      async (request, reply) => {
        const { device_id } = request.params;
        const principal = principalOf(request);
        await devices.getVisible(principal, device_id);
        const range = { start: instantOf(request.body.start), end: instantOf(request.body.end) };
        return reply.code(201).send(presentResult(await reports.makeFor(principal, device_id, range)));
      },
    );

    app.get(
      '/results',
      {
        config: { access: MANAGEMENT, problems: [analyticsErrors.invalid_analysis_query] },
        schema: {
          tags,
          operationId: 'listResults',
          summary: 'List stored reports',
          description:
            'Those that were asked for, and those that jobs made. Newest first unless `sort=created_at`. `q` looks into id ' +
            '(of a daily report it names device and day, as `daily:7:2026-11-21`) and type of the newest 10,000 that match.',
          querystring: ResultsQueryParams,
          response: { 200: ResultsPage },
        },
      },
      async (request) => {
        const { analysis_type, device_id, ...query } = request.query;
        const page = await reports.list({
          ...query,
          ...(analysis_type === undefined ? {} : { analysisType: analysis_type as readonly AnalysisType[] }),
          ...defined({ deviceId: device_id }),
        });
        return { ...page, items: page.items.map(presentResult) };
      },
    );
  };
}

const instants = ({ start, end }: TimeRange) => ({ start: toIso(start), end: toIso(end) });
