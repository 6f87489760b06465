import type { Clock } from '#kernel/clock.ts';
import type { EventBus } from '#kernel/events.ts';
import type { DeviceConnectionInfo } from './downlink.port.ts';
import type { ServerChannel } from './mqtt.port.ts';

export type NewConnection = Omit<DeviceConnectionInfo, 'channels' | 'connectedAt'>;

/** A connection as it is kept: what an adapter needs to use it is its own. */
export interface RegisteredConnection<Link> {
  readonly info: NewConnection & { readonly connectedAt: number };
  readonly link: Link;
  /** Channel → QoS that the device asked for. */
  readonly subscriptions: Map<ServerChannel, number>;
}

/** Who is connected and subscribed, and the events that tell of it. */
export interface ConnectionRegistry<Link> {
  opened(connection: NewConnection, link: Link): void;
  /** Does nothing when there is no such connection (any more). */
  subscribed(deviceUid: string, connectionId: string, channels: ReadonlyMap<ServerChannel, number>): void;
  unsubscribed(deviceUid: string, connectionId: string, channels: readonly ServerChannel[]): void;
  closed(deviceUid: string, connectionId: string): void;
  /** Forgets connections without an event: this process is not told of them any more. */
  release(isReleased: (deviceUid: string) => boolean): void;
  of(deviceUid: string): readonly RegisteredConnection<Link>[];
  describe(deviceUid: string): readonly DeviceConnectionInfo[];
}

export function createConnectionRegistry<Link>({
  events,
  clock,
}: {
  readonly events: EventBus;
  readonly clock: Clock;
}): ConnectionRegistry<Link> {
  const devices = new Map<string, Map<string, RegisteredConnection<Link>>>();

  const eventOf = ({ info: { device, connectionId } }: RegisteredConnection<Link>) => ({
    device_id: device.deviceId,
    device_uid: device.deviceUid,
    connection_id: connectionId,
  });

  function of(deviceUid: string): readonly RegisteredConnection<Link>[] {
    return [...(devices.get(deviceUid)?.values() ?? [])];
  }

  return {
    opened(connection, link) {
      const { deviceUid } = connection.device;
      const now = clock.now();
      const entry = { info: { ...connection, connectedAt: now }, link, subscriptions: new Map() };
      const known = devices.get(deviceUid) ?? new Map<string, RegisteredConnection<Link>>();
      devices.set(deviceUid, known.set(connection.connectionId, entry));
      events.emit('device.connected', now, {
        ...eventOf(entry),
        protocol: connection.protocol,
        transport: connection.transport,
        ip_address: connection.ipAddress,
      });
    },
    subscribed(deviceUid, connectionId, channels) {
      const entry = devices.get(deviceUid)?.get(connectionId);
      if (entry === undefined || channels.size === 0) return;
      for (const [channel, qos] of channels) entry.subscriptions.set(channel, qos);
      events.emit('device.subscribed', clock.now(), { ...eventOf(entry), channels: [...channels.keys()] });
    },
    unsubscribed(deviceUid, connectionId, channels) {
      const entry = devices.get(deviceUid)?.get(connectionId);
      for (const channel of channels) entry?.subscriptions.delete(channel);
    },
    closed(deviceUid, connectionId) {
      const known = devices.get(deviceUid);
      const entry = known?.get(connectionId);
      if (known === undefined || entry === undefined) return;
      known.delete(connectionId);
      if (known.size === 0) devices.delete(deviceUid);
      events.emit('device.disconnected', clock.now(), eventOf(entry));
    },
    release(isReleased) {
      for (const deviceUid of [...devices.keys()]) if (isReleased(deviceUid)) devices.delete(deviceUid);
    },
    of,
    describe: (deviceUid) =>
      of(deviceUid).map(({ info, subscriptions }) => ({ ...info, channels: [...subscriptions.keys()] })),
  };
}
