import { useQueries, useQuery } from '@tanstack/react-query';
import { client } from '#console/api/client.ts';
import type { components } from '#console/api/schema.d.ts';
import type { Threshold } from '#console/charts/time-chart.tsx';
import { spanOf } from '#console/pages/device/telemetry.data.ts';
import { concerns, levelsOf, type Rule, SEVERITY_COLOUR } from '#console/pages/rules/rule.levels.ts';
import type { Device, Line } from './explore.data.ts';
import type { Fixed, Overlay } from './explore.state.ts';

type Trend = components['schemas']['Trend'];
type Anomaly = components['schemas']['Anomaly'];
type Alert = components['schemas']['Alert'];

const HOUR_MS = 3_600_000;
const KEPT_MS = 60_000;

/** What is laid over the lines, by device and metric. */
export interface Overlays {
  readonly anomalies: ReadonlyMap<string, readonly Anomaly[]>;
  readonly trends: ReadonlyMap<string, Trend>;
  readonly rules: readonly Rule[];
  readonly alerts: readonly Alert[];
  readonly error: unknown;
}

const pairOf = (device: Pick<Device, 'id'>, metric: string) => `${device.id} ${metric}`;

/** Reads what is wanted, of the range as it was at the last full minute. */
export function useOverlays(
  devices: readonly Device[],
  metrics: readonly string[],
  range: Fixed,
  wanted: readonly Overlay[],
): Overlays {
  const pairs = devices.flatMap((device) => metrics.map((metric) => ({ device, metric })));
  const span = spanOf(range.from, range.to);
  const anomalies = useQueries({
    queries: (wanted.includes('anomalies') ? pairs : []).map(({ device, metric }) => ({
      queryKey: ['explore-anomalies', device.id, metric, span],
      staleTime: KEPT_MS,
      retry: false,
      queryFn: async ({ signal }: { signal: AbortSignal }) => {
        const { data, error } = await client.GET('/api/v1/analytics/anomalies/{device_id}', {
          params: { path: { device_id: device.id }, query: { ...span, metric, limit: 500 } },
          signal,
        });
        if (error !== undefined) throw error;
        return [pairOf(device, metric), data.items] as const;
      },
    })),
  });
  const trends = useQueries({
    queries: (wanted.includes('trend') ? pairs : []).map(({ device, metric }) => ({
      queryKey: ['explore-trend', device.id, metric, span],
      staleTime: KEPT_MS,
      queryFn: async ({ signal }: { signal: AbortSignal }) => {
        const forecast_hours = Math.min(((range.to - range.from) * FORECAST) / HOUR_MS, 8_784);
        const { data, error } = await client.GET('/api/v1/analytics/trends/{device_id}', {
          params: { path: { device_id: device.id }, query: { ...span, metric, forecast_hours } },
          signal,
        });
        if (error !== undefined) throw error;
        return [pairOf(device, metric), data] as const;
      },
    })),
  });
  const needsRules = wanted.includes('thresholds') || wanted.includes('alerts');
  const rules = useQuery({
    queryKey: ['get', '/api/v1/monitoring/alert-rules', 'explore', metrics],
    enabled: needsRules && metrics.length > 0,
    queryFn: async ({ signal }) => {
      const { data, error } = await client.GET('/api/v1/monitoring/alert-rules', {
        params: { query: { metric: [...metrics], size: 100 } },
        signal,
      });
      if (error !== undefined) throw error;
      return data.items;
    },
  });
  const alerts = useQuery({
    queryKey: ['get', '/api/v1/monitoring/alerts', 'explore', devices.map(({ id }) => id), span.end],
    enabled: wanted.includes('alerts') && devices.length > 0,
    queryFn: async ({ signal }) => {
      const device_id = devices.map(({ id }) => id);
      const query = { device_id, end: span.end, is_acknowledged: 'all' as const, sort: '-started_at', size: 100 };
      const { data, error } = await client.GET('/api/v1/monitoring/alerts', { params: { query }, signal });
      if (error !== undefined) throw error;
      return data.items;
    },
  });
  const all = [...anomalies, ...trends, rules, alerts];
  return {
    anomalies: new Map(anomalies.flatMap(({ data }) => (data === undefined ? [] : [data]))),
    trends: new Map(trends.flatMap(({ data }) => (data === undefined ? [] : [data]))),
    rules: rules.data ?? [],
    alerts: alerts.data ?? [],
    error: all.find(({ error }) => error !== null)?.error ?? null,
  };
}

/** How far a forecast reaches, as a part of the range. */
export const FORECAST = 0.25;
const ANOMALY = '#e03131';

/** The overlays of the lines of one chart. */
export function marksOf(
  lines: readonly Line[],
  overlays: Overlays,
  wanted: readonly Overlay[],
  words: (n: string) => string,
) {
  const own = lines.filter(({ isBefore }) => isBefore !== true);
  const points = own.flatMap(({ device, metric }) =>
    (overlays.anomalies.get(pairOf(device, metric)) ?? []).map(({ timestamp, value }) => ({
      at: Date.parse(timestamp),
      value,
      color: ANOMALY,
    })),
  );
  const rules = overlays.rules.filter((rule) =>
    own.some(({ device, metric }) => rule.metric === metric && concerns(rule, device)),
  );
  const thresholds: Threshold[] = wanted.includes('thresholds')
    ? rules
        .filter(({ is_enabled }) => is_enabled)
        .flatMap(({ name, threshold, severity }) =>
          levelsOf(threshold).map((value) => ({ value, label: name, color: SEVERITY_COLOUR[severity] })),
        )
    : [];
  const ids = new Set(rules.map(({ id }) => id));
  const spans = overlays.alerts
    .filter(({ rule_id, device_id }) => ids.has(rule_id) && own.some(({ device }) => device.id === device_id))
    .map(({ started_at, cleared_at, severity }) => ({
      from: Date.parse(started_at),
      to: cleared_at === null ? Date.now() : Date.parse(cleared_at),
      color: `${SEVERITY_COLOUR[severity]}2e`,
    }));
  const trends = own.flatMap((line) => trendOf(line, overlays.trends.get(pairOf(line.device, line.metric)), words));
  return { points, thresholds, spans: wanted.includes('alerts') ? spans : [], trends };
}

/** The least-squares line over the range, and beyond it the forecast with its band. */
function trendOf(line: Line, trend: Trend | undefined, words: (name: string) => string): readonly Line[] {
  if (trend === undefined || trend.intercept === null || trend.slope_per_hour === null) return [];
  const start = Date.parse(trend.start);
  const to = Date.parse(trend.end);
  // Where nothing was measured it says nothing, and would only stretch the scale.
  const from = Math.max(start, line.at[0] ?? start);
  const level = (at: number) => Number(trend.intercept) + (Number(trend.slope_per_hour) * (at - start)) / HOUR_MS;
  const end = level(to);
  const at = [from, to, ...trend.forecast.map(({ timestamp }) => Date.parse(timestamp))];
  const values = [level(from), end, ...trend.forecast.map(({ value }) => value)];
  const edge = (side: 'lower' | 'upper') => [null, end, ...trend.forecast.map((each) => each[side])];
  const band = { low: edge('lower'), high: edge('upper') };
  return [{ ...line, key: `${line.key} trend`, label: words(line.label), at, values, band, kind: 'model' }];
}
