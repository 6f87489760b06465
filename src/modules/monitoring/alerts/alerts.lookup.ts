import type { Principal } from '#kernel/access.ts';
import type { DeviceRef, DevicesApi } from '#modules/devices/index.ts';
import { monitoringErrors } from '../monitoring.errors.ts';
import { mayActOn } from '../monitoring.policy.ts';
import type { Alert, AlertReader, MonitoringStore } from './alerts.ports.ts';

export interface AlertLookupDeps {
  readonly store: Pick<MonitoringStore, 'alerts'>;
  readonly devices: Pick<DevicesApi, 'getVisible'>;
}

export interface AlertLookup {
  /** @throws AppError `alert_not_found` */
  existing(id: number, reader?: AlertReader): Promise<Alert>;
  /**
   * An alert that the principal may deal with, and its device.
   * @throws AppError `alert_not_found`, also when the principal is neither MANAGEMENT nor the owner of the device
   */
  touched(
    principal: Principal,
    id: number,
  ): Promise<{ readonly alert: Alert; readonly device: Pick<DeviceRef, 'ownerId'> }>;
}

export function createAlertLookup({ store, devices }: AlertLookupDeps): AlertLookup {
  async function existing(id: number, reader: AlertReader = store.alerts): Promise<Alert> {
    const alert = await reader.findById(id);
    if (alert === null) throw monitoringErrors.alert_not_found();
    return alert;
  }
  return {
    existing,
    async touched(principal, id) {
      const alert = await existing(id);
      const device = await devices.getVisible(principal, alert.deviceId).catch((error: unknown) => {
        throw monitoringErrors.alert_not_found({ cause: error });
      });
      if (!mayActOn(principal, device)) throw monitoringErrors.alert_not_found();
      return { alert, device };
    },
  };
}
