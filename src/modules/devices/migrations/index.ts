import type { MigrationSet } from '#platform/sql/sql.port.ts';
import { devices } from './2026_11_23_03_devices.ts';
import { deviceTransitions } from './2026_11_26_20_device_transitions.ts';
import { deviceInactivity } from './2026_11_26_21_device_inactivity.ts';
import { deviceReportedAddress } from './2026_11_26_22_device_reported_address.ts';
import { deviceConfigSync } from './2026_11_26_41_device_config_sync.ts';
import { deviceClaims } from './2026_11_26_70_claims.ts';
import { certificates } from './2026_11_26_80_certificates.ts';
import { deviceTimezone } from './2026_11_27_10_device_timezone.ts';
import { deviceConfigDue, deviceConfigDueIndex } from './2026_11_27_20_device_config_due.ts';

/** Needs the table `users`. */
export const devicesMigrations: MigrationSet = {
  '2026_11_23_03_devices': devices,
  '2026_11_26_20_device_transitions': deviceTransitions,
  '2026_11_26_21_device_inactivity': deviceInactivity,
  '2026_11_26_22_device_reported_address': deviceReportedAddress,
  '2026_11_26_41_device_config_sync': deviceConfigSync,
  '2026_11_26_70_claims': deviceClaims,
  '2026_11_26_80_certificates': certificates,
  '2026_11_27_10_device_timezone': deviceTimezone,
  '2026_11_27_20_device_config_due': deviceConfigDue,
  '2026_11_27_21_device_config_due_index': deviceConfigDueIndex,
};
