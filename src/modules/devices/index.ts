export type { DevicesApi } from './devices.api.ts';
export { deviceErrors } from './devices.errors.ts';
export type { DeviceStatusChanged } from './devices.events.ts';
export type { AccountReport } from './devices.logins.ts';
export { createDevicesModule, type DevicesModule } from './devices.module.ts';
export {
  DEVICE_STATUSES,
  type DeviceFacts,
  type DeviceRef,
  type DeviceScope,
  type DeviceStatus,
  type UserDeviceScope,
} from './devices.ports.ts';
export { devicesMigrations } from './migrations/index.ts';
export { STATUS_SOURCES, type StatusChange, type StatusSource, type StatusTransition } from './status/status.rules.ts';
