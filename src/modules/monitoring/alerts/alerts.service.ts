import type { Principal } from '#kernel/access.ts';
import type { Clock } from '#kernel/clock.ts';
import type { EventBus } from '#kernel/events.ts';
import { type Page, type PageQuery, parseSort, toPage } from '#kernel/pagination.ts';
import type { DevicesApi } from '#modules/devices/index.ts';
import { monitoringErrors } from '../monitoring.errors.ts';
import {
  ALERT_SORT_FIELDS,
  type Alert,
  type AlertFilter,
  type AlertReader,
  type MonitoringStore,
} from './alerts.ports.ts';

export interface AlertsServiceDeps {
  readonly store: MonitoringStore;
  readonly devices: Pick<DevicesApi, 'getVisible'>;
  readonly clock: Clock;
  readonly events: EventBus;
}

export type AlertsService = ReturnType<typeof createAlertsService>;

const DEFAULT_SORT = [{ field: 'started_at', direction: 'desc' }] as const;

export function createAlertsService({ store, devices, clock, events }: AlertsServiceDeps) {
  async function existing(id: number, reader: AlertReader = store.alerts): Promise<Alert> {
    const alert = await reader.findById(id);
    if (alert === null) throw monitoringErrors.alert_not_found();
    return alert;
  }

  return {
    /** Every alert: for MANAGEMENT. @throws AppError `invalid_sort` */
    async list(query: PageQuery & { readonly filter: AlertFilter }): Promise<Page<Alert>> {
      const sort = parseSort(query.sort, ALERT_SORT_FIELDS, DEFAULT_SORT);
      const { page, size, filter } = query;
      const { items, total } = await store.alerts.list({ page, size, filter, sort });
      return toPage(items, total, query);
    },

    /**
     * Says that somebody has taken notice, whether the alert is over or not. The first one counts: doing it again
     * changes nothing.
     * @throws AppError `alert_not_found`, also when the principal may not see the device
     */
    async acknowledge(principal: Principal, id: number): Promise<Alert> {
      const { deviceId } = await existing(id);
      await devices.getVisible(principal, deviceId).catch((error: unknown) => {
        throw monitoringErrors.alert_not_found({ cause: error });
      });
      const now = clock.now();
      const { alert, first } = await store.transaction(async ({ alerts }) => {
        const first = await alerts.acknowledge(id, principal.userId, now);
        return { first, alert: await existing(id, alerts) };
      });
      if (first) events.emit('alert.acknowledged', now, { alert });
      return alert;
    },
  };
}
