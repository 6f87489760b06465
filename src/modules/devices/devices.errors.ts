import { defineErrors } from '#kernel/errors.ts';

export const deviceErrors = defineErrors({
  device_not_found: ['not_found', 'There is no such device.'],
  device_uid_taken: ['conflict', 'Another device has this device_uid.'],
  device_group_unknown: ['invalid', 'There is no such device group.'],
  device_owner_unknown: ['invalid', 'There is no such user to own the device.'],
  device_status_measured: ['invalid', 'The status is measured: only MAINTENANCE can be set, and ended.'],
  device_metadata_invalid: ['invalid', 'The metadata is not acceptable.'],
  device_import_unreadable: ['invalid', 'The file cannot be read.'],
  device_import_too_large: ['invalid', 'The file has too many rows.'],
  device_target_invalid: ['invalid', 'The target does not say which devices.'],
  device_not_yours: ['forbidden', 'Only its owner and MANAGEMENT may control this device.'],
  device_group_not_found: ['not_found', 'There is no such device group.'],
  device_group_name_taken: ['conflict', 'Another device group has this name.'],
  device_group_in_use: ['conflict', 'The device group has devices; move them to another group first.'],
});
