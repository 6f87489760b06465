export { ProvisionAnswer, ProvisionMessage } from './claims/claims.schemas.ts';
export type { DevicesApi } from './devices.api.ts';
export { deviceErrors } from './devices.errors.ts';
export type { DeviceStatusChanged } from './devices.events.ts';
export type { AccountReport } from './devices.logins.ts';
export { createDevicesModule, type DevicesBroker, type DevicesModule } from './devices.module.ts';
export {
  DEVICE_STATUSES,
  type DeviceFacts,
  type DeviceRef,
  type DeviceScope,
  type DeviceStatus,
  STATUS_SOURCES,
  type StatusSource,
  type StatusTransition,
  type UserDeviceScope,
} from './devices.ports.ts';
export { DeviceTargetField, presentTarget, toTarget } from './devices.target.schemas.ts';
export { countOfTarget, type DeviceTarget, pageOfTarget } from './devices.target.ts';
export { devicesMigrations } from './migrations/index.ts';
export { type ConfigReport, STATUS_CHANNEL, type StatusItem } from './status/status.channel.ts';
export type { StatusChange } from './status/status.rules.ts';
