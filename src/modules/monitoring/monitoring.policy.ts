import { isManagement, type Principal } from '#kernel/access.ts';
import type { DeviceRef, DevicesApi } from '#modules/devices/index.ts';

/*
 * Who may what with rules and alerts: MANAGEMENT with all of them, a USER with those about single devices that it owns. That
 * a USER sees a device (USER_DEVICE_SCOPE=all) is not enough. What somebody may not see does not exist for them.
 */

export function manages({ role }: Principal): boolean {
  return isManagement(role);
}

/** Whether the principal may make rules about this device, and deal with its alerts. */
export function mayActOn(principal: Principal, device: Pick<DeviceRef, 'ownerId'>): boolean {
  return manages(principal) || device.ownerId === principal.userId;
}

const PAGE = 1_000;

/** The filter of a list that holds nothing which the principal may not see. */
export async function visibleOnly(
  principal: Principal,
  devices: Pick<DevicesApi, 'listInScope'>,
): Promise<{ readonly deviceIds?: readonly number[] }> {
  if (manages(principal)) return {};
  const deviceIds: number[] = [];
  for (;;) {
    const page = await devices.listInScope({ ownerId: principal.userId }, deviceIds.at(-1) ?? 0, PAGE);
    deviceIds.push(...page.map(({ deviceId }) => deviceId));
    if (page.length < PAGE) return { deviceIds };
  }
}
