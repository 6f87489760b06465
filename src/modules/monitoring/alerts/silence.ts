import type { DeviceScope } from '#modules/devices/index.ts';
import type { Scope } from '../rules/rules.ports.ts';

/** What was sent in time may be on its way for so long. */
export const SILENCE_ALLOWANCE_MS = 5_000;

/** The devices that a rule is about, as the devices are asked for them. */
export function toDeviceScope(scope: Scope): DeviceScope {
  switch (scope.kind) {
    case 'device':
      return { deviceId: scope.deviceId };
    case 'group':
      return { groupId: scope.groupId };
    case 'type':
      return { deviceType: scope.deviceType };
    default:
      return {};
  }
}
