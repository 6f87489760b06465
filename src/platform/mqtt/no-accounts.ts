import type { MqttAccounts } from './mqtt.port.ts';

/** For a broker that asks at every login, instead of keeping accounts. */
export function createNoAccounts(): MqttAccounts {
  return { set: async () => {}, remove: async () => {}, list: async () => null };
}
