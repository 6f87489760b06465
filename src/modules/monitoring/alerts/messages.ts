import { toIso } from '#kernel/clock.ts';
import type { DeviceFacts } from '#modules/devices/index.ts';
import type { JobMap } from '#platform/jobs/jobs.port.ts';
import type { MetricValue } from '#platform/telemetry/telemetry.port.ts';
import type { AlertRule, Range } from '../rules/rules.ports.ts';
import type { Alert } from './alerts.ports.ts';

export type AlertNotification = JobMap['push_notification'];

const LONGEST_TEXT = 300;

/** `temperature is 31.5, above 30` */
export function describeAlert(rule: AlertRule, value: MetricValue | null): string {
  if (rule.condition === 'no_data') return `no ${rule.metric} for ${rule.forSeconds} s`;
  const since = rule.forSeconds === 0 ? '' : ` for ${rule.forSeconds} s`;
  return `${rule.metric} is ${textOf(value)}, ${describeCondition(rule)}${since}`;
}

function describeCondition({ condition, threshold }: AlertRule): string {
  if (condition === 'outside' || condition === 'inside') {
    const [low, high] = threshold as Range;
    return `${condition} ${low} to ${high}`;
  }
  return `${WORDS[condition as keyof typeof WORDS]} ${textOf(threshold as MetricValue)}`;
}

const WORDS = { gt: 'above', gte: 'at or above', lt: 'below', lte: 'at or below', eq: 'equal to', ne: 'not' } as const;

function textOf(value: MetricValue | null): string {
  if (typeof value !== 'string') return String(value);
  return value.length > LONGEST_TEXT ? `"${value.slice(0, LONGEST_TEXT)}…"` : `"${value}"`;
}

/**
 * What people are told: the owner of the device and MANAGEMENT. An end is not told by e-mail, where it would only be
 * one more mail; a webhook needs it to close what it opened. Null: nobody is told.
 */
export function notificationOf(alert: Alert, rule: AlertRule, device: DeviceFacts): AlertNotification | null {
  const ended = alert.status === 'CLEARED';
  const channels = ended ? rule.channels.filter((channel) => channel !== 'email') : rule.channels;
  if (channels.length === 0) return null;
  return {
    key: `alert-${alert.id}-${ended ? 'cleared' : 'raised'}`,
    user_ids: device.ownerId === null ? [] : [device.ownerId],
    management: true,
    type: 'alert',
    title: `${ended ? 'Cleared' : alert.severity}: ${rule.name}`,
    message: `${device.deviceUid}: ${alert.message}`,
    data: {
      alert_id: alert.id,
      rule_id: rule.id,
      device_id: device.deviceId,
      device_uid: device.deviceUid,
      severity: alert.severity,
      status: alert.status,
      started_at: toIso(alert.startedAt),
      cleared_at: alert.clearedAt === null ? null : toIso(alert.clearedAt),
    },
    channels,
  };
}
