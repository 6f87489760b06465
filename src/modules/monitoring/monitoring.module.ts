import type { Clock } from '#kernel/clock.ts';
import { defined } from '#kernel/defined.ts';
import type { EventBus } from '#kernel/events.ts';
import { createId } from '#kernel/ids.ts';
import type { Logger } from '#kernel/logger.ts';
import type { DevicesApi } from '#modules/devices/index.ts';
import type { LiveApi } from '#modules/live/index.ts';
import type { UsersApi } from '#modules/users/index.ts';
import type { AuditTrail } from '#platform/audit/audit.port.ts';
import type { JobQueue } from '#platform/jobs/jobs.port.ts';
import type { HealthChecks, ModuleWith } from '#platform/module/module.port.ts';
import type { SqlStore } from '#platform/sql/sql.port.ts';
import type { TelemetryStore } from '#platform/telemetry/telemetry.port.ts';
import { createActivation } from './alerts/activation.service.ts';
import type { AlertCount } from './alerts/alerts.ports.ts';
import { createMonitoringStore } from './alerts/alerts.repository.ts';
import { createAlertsRoutes } from './alerts/alerts.routes.ts';
import { LIVE_ALERT, presentAlert } from './alerts/alerts.schemas.ts';
import { createAlertsService } from './alerts/alerts.service.ts';
import { createDiscussionRoutes } from './alerts/discussion.routes.ts';
import { createDiscussionService } from './alerts/discussion.service.ts';
import { createEvaluation, type Evaluation } from './alerts/evaluation.service.ts';
import { createOutbox } from './alerts/outbox.service.ts';
import { createDevicePlans, createRuleFeed, createRuleIndex } from './alerts/rule-index.ts';
import { createOutboxStore, createStateStore, createWatchStore } from './alerts/states.repository.ts';
import { createWatch, type Watch } from './alerts/watch.service.ts';
import { createHealthRoutes } from './health/health.routes.ts';
import { createHealthService } from './health/health.service.ts';
import type { MonitoringApi } from './monitoring.api.ts';
import { createReplayService } from './rules/replay.service.ts';
import { createRuleStore } from './rules/rules.repository.ts';
import { createRulesRoutes } from './rules/rules.routes.ts';
import { createRulesService } from './rules/rules.service.ts';

export interface MonitoringModuleDeps {
  readonly stores: { readonly sql: SqlStore; readonly telemetry: TelemetryStore };
  readonly audit: AuditTrail;
  readonly modules: {
    readonly devices: DevicesApi;
    readonly users: Pick<UsersApi, 'listContacts' | 'findAccess' | 'findById'>;
    readonly live: LiveApi;
  };
  readonly jobs: JobQueue;
  readonly events: EventBus;
  readonly runtime: { readonly clock: Clock; readonly logger: Logger };
  readonly options: MonitoringOptions;
}

export interface MonitoringOptions {
  /** Whether there is no other process. */
  readonly alone: boolean;
  /** Between a commit and the judgement of what is in it; absent: what suits `alone`. */
  readonly roundDelayMs?: number;
  /** Samples that are kept for judgement; absent: what suits a process. */
  readonly maxKept?: number;
  /** For how long cleared alerts are kept, in milliseconds. */
  readonly retentionMs: number;
  /** For `GET /health`; asked at each call. */
  readonly checks: HealthChecks;
}

export interface MonitoringModule
  extends ModuleWith<'routes' | 'components' | 'retention' | 'commitListeners' | 'gauges'> {
  readonly api: MonitoringApi;
  /** For tests, which do not wait for timers. */
  readonly inner: { readonly evaluation: Evaluation; readonly watch: Watch };
}

/** Between a commit and the judgement of what is in it. */
const ROUND_DELAY_MS = { alone: 50, shared: 250 } as const;

export function createMonitoringModule(deps: MonitoringModuleDeps): MonitoringModule {
  const { stores, audit, modules, jobs, runtime, options } = deps;
  const events = deps.events.scope();
  const { devices, users, live } = modules;
  const { sql, telemetry } = stores;
  const { clock, logger } = runtime;
  const { alone } = options;
  const ruleStore = createRuleStore(sql);
  const store = createMonitoringStore(sql, ruleStore, audit);
  const states = createStateStore(sql);

  const index = createRuleIndex();
  const plans = createDevicePlans(index, devices);
  const feed = createRuleFeed({ index, plans, rules: ruleStore.store, logger });
  const evaluation = createEvaluation({
    plans,
    index,
    refresh: feed.reload,
    states,
    telemetry,
    devices,
    clock,
    events,
    logger,
    options: {
      alone,
      delayMs: options.roundDelayMs ?? ROUND_DELAY_MS[alone ? 'alone' : 'shared'],
      ...defined({ maxKept: options.maxKept }),
    },
  });
  const activation = createActivation({
    rules: ruleStore.store,
    store,
    states,
    devices,
    telemetry,
    evaluation,
    reload: feed.reload,
    runtime,
  });
  const judging = { reload: feed.reload, activate: activation.activate };
  const rules = createRulesService({ rules: ruleStore.store, store, devices, users, clock, events, judging });
  const watch = createWatch({
    store: createWatchStore(sql),
    states,
    index,
    devices,
    evaluation,
    forgetDevice: rules.forgetDevice,
    activateRest: activation.activateRest,
    runtime,
    owner: alone ? 'alone' : createId(),
    alone,
  });
  const alerts = createAlertsService({ store, devices, clock, events });
  const discussion = createDiscussionService({ store, devices, users, clock, events });
  const replay = createReplayService({ rules, devices, telemetry, clock });
  const health = createHealthService(options.checks.all);

  const outbox = createOutbox({ store: createOutboxStore(sql), jobs, logger });
  evaluation.onNotifications(() => void outbox.flush());
  watch.onTick(() => outbox.flush());
  events.on('alert_rule.changed', async ({ data, origin }) => {
    watch.look();
    if (origin === 'relay') await feed.reload(data.rule_id);
  });
  events.on('device.created', ({ data }) => {
    plans.forget(data.device_id);
    watch.look();
  });
  events.on('device.updated', ({ at, data, origin }) => {
    plans.forget(data.device_id);
    watch.look();
    // A rule may be about the device no longer.
    if (origin !== 'relay' && data.changes.some((field) => field === 'group_id' || field === 'device_type')) {
      evaluation.recheck([data.device_id], { joinedAt: at });
    }
  });
  events.on('device.status_changed', ({ at, data }) => {
    const isJudged = [...index.all()].some(({ condition }) => condition === 'offline');
    // An end counts at once; that it is OFFLINE does once devices have had time to come back after a start.
    if (isJudged && (data.to !== 'OFFLINE' || watch.countsOffline())) {
      evaluation.recheck([data.device_id], { statusAt: at });
    }
  });
  events.on('device.deleted', async ({ data, origin }) => {
    plans.forget(data.device_id);
    if (origin !== 'relay') await rules.forgetDevice(data.device_id);
  });
  events.on('user.access_changed', async ({ data: { user_id: userId, reason }, origin }) => {
    const isLess = reason === 'deactivated' || reason === 'deleted' || reason === 'role_changed';
    if (isLess && origin !== 'relay') await discussion.release(userId);
  });
  events.on('relay.gap', feed.mend);
  const changes = ['alert.raised', 'alert.cleared', 'alert.acknowledged', 'alert.assigned', 'alert.commented'] as const;
  for (const type of changes) {
    events.on(type, ({ data, origin }) => {
      if (origin !== 'relay') live.toWatchers(data.alert.deviceUid, LIVE_ALERT, presentAlert(data.alert));
    });
  }

  const prefix = '/api/v1/monitoring';
  return {
    name: 'monitoring',
    listens: events,
    relayedEvents: ['alert_rule.changed'],
    live: { events: [LIVE_ALERT] },
    routes: [
      { prefix, routes: createHealthRoutes(health, clock) },
      { prefix, routes: createAlertsRoutes(alerts) },
      { prefix, routes: createDiscussionRoutes(discussion) },
      { prefix, routes: createRulesRoutes(rules, replay) },
    ],
    commitListeners: [{ name: 'alert rules', committed: ({ samples }) => evaluation.note(samples) }],
    components: [
      // They start before what commits, and stop after it.
      { name: 'alert rule feed', start: () => feed.reloadAll(), stop: async () => feed.stop() },
      evaluation,
      // Silence is that of the devices only where samples are taken in.
      { ...watch, roles: ['ingest'] },
    ],
    retention: [
      {
        name: 'alerts',
        keptMs: options.retentionMs,
        removeOlderThan: (before, limit) => store.alerts.removeClearedBefore(before, limit),
      },
    ],
    gauges: [
      {
        name: 'core_api_alerts',
        help: 'Alerts that are ACTIVE or not acknowledged, of the whole installation',
        labels: ['severity', 'status', 'acknowledged'],
        read: async () =>
          (await store.alerts.countOpen()).map(({ severity, status, isAcknowledged, count }) => ({
            labels: { severity, status, acknowledged: String(isAcknowledged) },
            value: count,
          })),
      },
      {
        name: 'core_api_alert_devices_waiting',
        help: 'Devices with samples that this process has not judged yet',
        labels: [],
        read: async () => [{ labels: {}, value: evaluation.waiting() }],
      },
    ],
    api: {
      async counts() {
        const open = await store.alerts.countOpen();
        const sum = (counts: readonly AlertCount[]) => counts.reduce((total, { count }) => total + count, 0);
        return {
          alerts_active: sum(open.filter(({ status }) => status === 'ACTIVE')),
          alerts_not_acknowledged: sum(open.filter(({ isAcknowledged }) => !isAcknowledged)),
        };
      },
      countRaised: store.alerts.countRaised,
    },
    inner: { evaluation, watch },
  };
}
