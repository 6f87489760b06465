import type { Generated } from 'kysely';
import type { AlertStatus } from './alerts/alerts.ports.ts';
import type { Phase } from './alerts/judge.ts';
import type { Condition, Scope, Severity } from './rules/rules.ports.ts';

/** The module's tables, for its repositories. */
export interface MonitoringTables {
  alert_rules: AlertRulesTable;
  alerts: AlertsTable;
  alert_comments: AlertCommentsTable;
  alert_states: AlertStatesTable;
  alert_watch: AlertWatchTable;
  alert_outbox: AlertOutboxTable;
}

interface Stamped {
  created_at: number;
  updated_at: number;
}

interface AlertRulesTable extends Stamped {
  id: Generated<number>;
  name: string;
  metric: string;
  rule_condition: Condition;
  threshold: string | null;
  clear_threshold: string | null;
  severity: Severity;
  scope_kind: Scope['kind'];
  device_id: number | null;
  group_id: number | null;
  device_type: string | null;
  for_seconds: number;
  clear_for_seconds: number;
  cooldown_seconds: number;
  channels: string;
  recipients: string | null;
  of_management: number;
  is_enabled: number;
  revision: number;
  activated_at: number;
  created_by: number | null;
  deleted_at: number | null;
}

export interface AlertsTable extends Stamped {
  id: Generated<number>;
  rule_id: number;
  device_id: number;
  device_uid: string;
  rule_name: string;
  severity: Severity;
  status: AlertStatus;
  active_key: string | null;
  message: string;
  value: string | null;
  last_value: string | null;
  threshold: string | null;
  occurrences: number;
  started_at: number;
  last_seen_at: number;
  cleared_at: number | null;
  is_acknowledged: number;
  acknowledged_by: number | null;
  acknowledged_at: number | null;
  assigned_to: number | null;
  comment_count: number;
  deleted_at: number | null;
}

export interface AlertCommentsTable extends Stamped {
  id: Generated<number>;
  alert_id: number;
  author_id: number;
  body: string;
}

interface AlertStatesTable extends Stamped {
  rule_id: number;
  device_id: number;
  revision: number;
  version: number;
  phase: Phase;
  since: number | null;
  clear_since: number | null;
  watermark: number | null;
  cleared_at: number | null;
  baseline: number | null;
}

interface AlertWatchTable extends Stamped {
  id: number;
  owner: string;
  until: number;
  listening_since: number;
}

interface AlertOutboxTable extends Stamped {
  id: Generated<number>;
  payload: string;
}
