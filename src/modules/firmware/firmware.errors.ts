import { defineErrors } from '#kernel/errors.ts';

export const firmwareErrors = defineErrors({
  firmware_not_found: ['not_found', 'There is no such firmware.'],
  firmware_invalid: ['invalid', 'The firmware is not acceptable.'],
  firmware_exists: ['conflict', 'This device type has a firmware of this version.'],
  firmware_in_use: ['conflict', 'A campaign uses this firmware.'],
  firmware_sequence_old: ['conflict', 'The sequence must be above that of every firmware of this device type.'],
  firmware_signature_invalid: ['forbidden', 'The signature does not fit the firmware.'],
  firmware_key_unknown: ['forbidden', 'No key with this key_id is registered.'],
  firmware_key_invalid: ['invalid', 'The key is not acceptable.'],
  firmware_key_not_found: ['not_found', 'There is no such key.'],
  firmware_link_invalid: ['forbidden', 'The link is not valid, or its time is over.'],
  firmware_not_offered: ['forbidden', 'This firmware was not offered to this device.'],
});
