import type { Principal } from '#kernel/access.ts';
import type { Clock } from '#kernel/clock.ts';
import type { EventBus } from '#kernel/events.ts';
import { type Page, type PageQuery, parseSort, toPage } from '#kernel/pagination.ts';
import type { DevicesApi } from '#modules/devices/index.ts';
import { visibleOnly } from '../monitoring.policy.ts';
import { createAlertLookup } from './alerts.lookup.ts';
import { ALERT_SORT_FIELDS, type Alert, type AlertFilter, type MonitoringStore } from './alerts.ports.ts';

export interface AlertsServiceDeps {
  readonly store: MonitoringStore;
  readonly devices: Pick<DevicesApi, 'getVisible' | 'listInScope'>;
  readonly clock: Clock;
  readonly events: EventBus;
}

export type AlertsService = ReturnType<typeof createAlertsService>;

const STEP = 500;
const DEFAULT_SORT = [{ field: 'started_at', direction: 'desc' }] as const;

export function createAlertsService({ store, devices, clock, events }: AlertsServiceDeps) {
  const lookup = createAlertLookup({ store, devices });

  return {
    /** @throws AppError `alert_not_found`, also when the principal is neither MANAGEMENT nor the owner of the device */
    get: async (principal: Principal, id: number): Promise<Alert> => (await lookup.touched(principal, id)).alert,

    /** MANAGEMENT lists every alert, a USER those of the devices that it owns. @throws AppError `invalid_sort` */
    async list(
      principal: Principal,
      query: PageQuery & { readonly filter: AlertFilter; readonly q?: string },
    ): Promise<Page<Alert>> {
      const sort = parseSort(query.sort, ALERT_SORT_FIELDS, DEFAULT_SORT);
      const { sort: _, filter, ...rest } = query;
      const owned = await visibleOnly(principal, devices);
      if (owned.deviceIds?.length === 0) return toPage([], 0, query);
      const { items, total } = await store.alerts.list({ ...rest, filter: { ...filter, ...owned }, sort });
      return toPage(items, total, query);
    },

    /**
     * Says that somebody has taken notice, whether the alert is over or not. The first one counts: doing it again
     * changes nothing.
     * @throws AppError `alert_not_found`, also when the principal is neither MANAGEMENT nor the owner of the device
     */
    async acknowledge(principal: Principal, id: number): Promise<Alert> {
      await lookup.touched(principal, id);
      const now = clock.now();
      const { alert, first } = await store.transaction(async ({ alerts, audit }) => {
        const first = await alerts.acknowledge(id, principal.userId, now);
        const alert = await lookup.existing(id, alerts);
        if (first) {
          const details = { rule_id: alert.ruleId, device_id: alert.deviceId };
          await audit.record({ ...entry(principal), resourceId: String(id), details });
        }
        return { first, alert };
      });
      if (first) events.emit('alert.acknowledged', now, { alert });
      return alert;
    },

    /**
     * Acknowledges all that match and have not been acknowledged, in steps: whatever else writes comes in between.
     * What is raised meanwhile is left out. For MANAGEMENT.
     * @param asked the filter as it was given, for the audit trail
     * @returns how many
     */
    async acknowledgeMany(principal: Principal, filter: AlertFilter, asked: object): Promise<number> {
      if (filter.ids?.length === 0) return 0;
      const upTo = await store.alerts.newestId();
      for (let total = 0; ; ) {
        const by = { userId: principal.userId, at: clock.now() };
        const step = await store.transaction(async ({ alerts, audit }) => {
          const acknowledged = await alerts.acknowledgeMany(filter, upTo, STEP, by);
          const details = { ...asked, count: acknowledged.length };
          if (acknowledged.length > 0) await audit.record({ ...entry(principal), resourceId: null, details });
          return acknowledged;
        });
        for (const alert of step) events.emit('alert.acknowledged', by.at, { alert });
        total += step.length;
        if (step.length < STEP) return total;
      }
    },
  };
}

function entry(actor: Principal) {
  return { actor, action: 'alert.acknowledged', resourceType: 'alert' };
}
