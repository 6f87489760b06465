import { isManagement, type Principal } from '#kernel/access.ts';
import type { UserDeviceScope } from './devices.ports.ts';

/**
 * Who sees which device: MANAGEMENT every one, a USER its own, with the scope `all` every one too. To whoever does not see
 * a device it does not exist. Who may change one is the role of its route (MANAGEMENT).
 * Who may control one (commands, configuration): MANAGEMENT and its owner, whatever the scope.
 */
export interface DevicePolicy {
  seesAll(principal: Principal): boolean;
  sees(principal: Principal, device: { readonly ownerId: number | null }): boolean;
  controls(principal: Principal, device: { readonly ownerId: number | null }): boolean;
}

export function createDevicePolicy(scope: UserDeviceScope): DevicePolicy {
  const seesAll = ({ role }: Principal) => scope === 'all' || isManagement(role);
  return {
    seesAll,
    sees: (principal, device) => seesAll(principal) || device.ownerId === principal.userId,
    controls: (principal, device) => isManagement(principal.role) || device.ownerId === principal.userId,
  };
}
