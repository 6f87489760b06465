import { defineErrors } from '#kernel/errors.ts';

export const mqttErrors = defineErrors({
  mqtt_account_foreign: ['conflict', 'The broker has an account of this name that belongs to no device.'],
});
