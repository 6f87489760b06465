import { type Static, Type } from 'typebox';
import { toIso, toIsoOrNull } from '#kernel/clock.ts';
import { defined } from '#kernel/defined.ts';
import { instantOf } from '#kernel/instant.ts';
import { MONITORING } from '#modules/live/index.ts';
import {
  Id,
  Instant,
  Nullable,
  PageOf,
  pageQuery,
  SeveralOf,
  Strict,
  searchQuery,
  sortQuery,
} from '#platform/http/http.schemas.ts';
import type { LiveEvent } from '#platform/realtime/live-event.port.ts';
import { severityField, thresholdField } from '../rules/rules.schemas.ts';
import { ALERT_SORT_FIELDS, ALERT_STATUSES, type Alert, type AlertFilter, type AlertStatus } from './alerts.ports.ts';

const status = Type.Unsafe<AlertStatus>({
  title: 'AlertStatus',
  type: 'string',
  enum: [...ALERT_STATUSES],
  description: 'CLEARED: the condition has ended',
  examples: ['ACTIVE'],
});
const value = (description: string) =>
  Type.Unsafe<number | boolean | string | null>({
    anyOf: [Type.Number(), Type.Boolean(), Type.String(), Type.Null()],
    description,
    examples: [31.5],
  });

export const AlertView = Strict('Alert', {
  id: { ...Id, examples: [41] },
  rule_id: { ...Id, description: 'Rule that raised it', examples: [5] },
  rule_name: Type.String({ description: 'Its name at that time', examples: ['Greenhouse too hot'] }),
  device_id: { ...Id, description: 'Device that it is about', examples: [7] },
  device_uid: Type.String({ description: 'The device_uid of that device', examples: ['greenhouse-07'] }),
  severity: severityField,
  status,
  message: Type.String({
    description: 'What happened, in words',
    examples: ['temperature is 31.5, above 30'],
  }),
  value: value('With which it was raised; null for no_data'),
  last_value: value('With which the condition held last; null for no_data'),
  threshold: thresholdField,
  occurrences: Type.Integer({ description: 'Samples for which the condition held since it was raised', examples: [3] }),
  started_at: { ...Instant, description: 'When it was raised, by the time of the data' },
  last_seen_at: { ...Instant, description: 'When the condition held last, by the time of the data' },
  cleared_at: Nullable({ ...Instant, description: 'When it ended; null while it is ACTIVE' }),
  is_acknowledged: Type.Boolean({ description: 'Whether somebody has taken notice' }),
  acknowledged_by: Nullable({ ...Id, description: 'User who did', examples: [12] }),
  acknowledged_at: Nullable(Instant),
  assigned_to: Nullable({ ...Id, description: 'User who takes care of it; null: nobody', examples: [12] }),
  comment_count: Type.Integer({ minimum: 0, description: 'Comments on it', examples: [2] }),
});

export const LIVE_ALERT: LiveEvent<typeof AlertView> = {
  namespace: MONITORING,
  name: 'alert',
  payload: AlertView,
  description: 'An alert that was raised, cleared, acknowledged, assigned or commented on, as it is now.',
};

export const AlertPage = PageOf(AlertView);
export const AlertParams = Strict({ alert_id: { ...Id, description: 'Id of the alert', examples: [41] } });
const deviceId = { ...Id, description: 'Of this device', examples: [7] };
const ruleId = { ...Id, description: 'Of this rule', examples: [5] };

export const AlertQuery = Strict({
  ...pageQuery,
  ...sortQuery(ALERT_SORT_FIELDS),
  ...searchQuery,
  status: SeveralOf(status),
  severity: SeveralOf(severityField),
  device_id: SeveralOf(deviceId),
  rule_id: SeveralOf(ruleId),
  assigned_to: SeveralOf({ ...Id, description: 'Of which this user takes care', examples: [12] }),
  start: Type.Optional(Type.String({ format: 'date-time', description: 'Raised at or after' })),
  end: Type.Optional(Type.String({ format: 'date-time', description: 'Raised before' })),
  is_acknowledged: Type.Enum(['true', 'false', 'all'], {
    default: 'false',
    description: 'Unacknowledged ones unless this says otherwise',
  }),
});
export const ALERT_SORT_HELP = `Sort by ${ALERT_SORT_FIELDS.join(', ')}.`;

export const AcknowledgeBody = Strict('AcknowledgeAlerts', {
  ids: Type.Optional(
    Type.Array(Id, {
      maxItems: 1_000,
      description: 'Ids of alerts; absent: by the other fields',
      examples: [[41, 42]],
    }),
  ),
  status: Type.Optional(status),
  severity: Type.Optional(severityField),
  device_id: Type.Optional(deviceId),
  rule_id: Type.Optional(ruleId),
  start: Type.Optional({ ...Instant, description: 'Raised at or after' }),
  end: Type.Optional({ ...Instant, description: 'Raised before', examples: ['2026-11-23T19:00:00.000Z'] }),
});
export const AcknowledgeResult = Strict('AcknowledgedAlerts', {
  acknowledged: Type.Integer({ description: 'Alerts that had not been acknowledged before', examples: [2] }),
});

export function toAcknowledged({ ids, ...fields }: Static<typeof AcknowledgeBody>): AlertFilter {
  return { ...toFilter(fields), ...(ids === undefined ? {} : { ids: [...new Set(ids)] }) };
}

export function toAlertFilter(query: Static<typeof AlertQuery>): AlertFilter {
  const acknowledged = query.is_acknowledged === 'all' ? {} : { isAcknowledged: query.is_acknowledged === 'true' };
  return { ...toFilter(query), ...acknowledged, ...defined({ assignedTo: query.assigned_to }) };
}

function toFilter(fields: Omit<Static<typeof AcknowledgeBody | typeof AlertQuery>, 'ids'>): AlertFilter {
  return {
    ...defined({
      status: fields.status,
      severity: fields.severity,
      deviceId: fields.device_id,
      ruleId: fields.rule_id,
    }),
    ...(fields.start === undefined ? {} : { from: instantOf(fields.start) }),
    ...(fields.end === undefined ? {} : { to: instantOf(fields.end) }),
  };
}

export function presentAlert(alert: Alert): Static<typeof AlertView> {
  return {
    id: alert.id,
    rule_id: alert.ruleId,
    rule_name: alert.ruleName,
    device_id: alert.deviceId,
    device_uid: alert.deviceUid,
    severity: alert.severity,
    status: alert.status,
    message: alert.message,
    value: alert.value,
    last_value: alert.lastValue,
    threshold: alert.threshold,
    occurrences: alert.occurrences,
    started_at: toIso(alert.startedAt),
    last_seen_at: toIso(alert.lastSeenAt),
    cleared_at: toIsoOrNull(alert.clearedAt),
    is_acknowledged: alert.isAcknowledged,
    acknowledged_by: alert.acknowledgedBy,
    acknowledged_at: toIsoOrNull(alert.acknowledgedAt),
    assigned_to: alert.assignedTo,
    comment_count: alert.commentCount,
  };
}
