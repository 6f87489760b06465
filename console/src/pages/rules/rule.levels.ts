import type { components } from '#console/api/schema.d.ts';
import type { ChartSeries } from '#console/charts/time-chart.data.ts';

export type Rule = components['schemas']['AlertRule'];
export type Severity = components['schemas']['AlertSeverity'];

/** Readable on light and dark ground, as a line and as a shade. */
export const SEVERITY_COLOUR: Readonly<Record<Severity, string>> = {
  INFO: '#3b82c4',
  WARNING: '#e8590c',
  CRITICAL: '#e03131',
};

/** Whether a rule is about a device. */
export function concerns(
  { scope }: Pick<Rule, 'scope'>,
  device: { readonly id: number; readonly group_id: number | null; readonly device_type: string },
): boolean {
  if (scope.device_id !== undefined) return scope.device_id === device.id;
  if (scope.group_id !== undefined) return scope.group_id === device.group_id;
  return scope.device_type === undefined || scope.device_type === device.device_type;
}

/** The levels of a threshold that can be drawn. */
export function levelsOf(threshold: unknown): readonly number[] {
  if (typeof threshold === 'number') return [threshold];
  return Array.isArray(threshold) ? threshold.filter((each) => typeof each === 'number') : [];
}

const SIGNS: Readonly<Record<string, string>> = { gt: '>', gte: '≥', lt: '<', lte: '≤', eq: '=', ne: '≠' };

/** `temperature > 30`, for people; `named` are words for what has no sign. */
export function conditionText(
  { metric, condition, threshold }: Pick<Rule, 'metric' | 'condition' | 'threshold'>,
  named: (condition: string) => string,
): string {
  const sign = SIGNS[condition] ?? named(condition);
  const level = Array.isArray(threshold) ? `${threshold[0]} … ${threshold[1]}` : threshold;
  return [metric, sign, level === null || level === undefined ? '' : String(level)].filter(Boolean).join(' ');
}

/** Leads to a new rule that begins at what a chart shows: at the highest value of its line. */
export function newRuleLink(
  device: number,
  metric: string,
  { values, band }: Pick<ChartSeries, 'values' | 'band'>,
): { readonly to: string; readonly search: never } {
  const highest = (band?.high ?? values).reduce<number>((most, value) => Math.max(most, value ?? most), -Infinity);
  const search = { device, metric, ...(Number.isFinite(highest) ? { threshold: highest } : {}) };
  return { to: '/rules/new', search: search as never };
}
