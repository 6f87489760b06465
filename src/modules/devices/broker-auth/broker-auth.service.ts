import { SERVER_CHANNELS } from '#platform/mqtt/mqtt.port.ts';
import type { DeviceRef } from '../devices.ports.ts';

export type TopicAction = 'publish' | 'subscribe';

export interface BrokerAuthDeps {
  readonly devices: {
    authenticate(deviceUid: string, secret: string): Promise<{ readonly deviceId: number } | null>;
    findByUid(deviceUid: string): Promise<DeviceRef | null>;
  };
  /** What devices may publish: the last level of the topic. */
  readonly channels: readonly string[];
}

export type BrokerAuthService = ReturnType<typeof createBrokerAuthService>;

/** What a broker that keeps no accounts of ours asks at each login and topic. */
export function createBrokerAuthService({ devices, channels }: BrokerAuthDeps) {
  return {
    async mayLogIn(deviceUid: string, secret: string): Promise<boolean> {
      return (await devices.authenticate(deviceUid, secret)) !== null;
    },

    /** Only its own topics, exactly, and only while there is such a device. */
    async mayUse(deviceUid: string, topic: string, action: TopicAction): Promise<boolean> {
      const prefix = `devices/${deviceUid}/`;
      if (!topic.startsWith(prefix)) return false;
      const channel = topic.slice(prefix.length);
      const own: readonly string[] = action === 'publish' ? channels : SERVER_CHANNELS;
      return own.includes(channel) && (await devices.findByUid(deviceUid)) !== null;
    },
  };
}
