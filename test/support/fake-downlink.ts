import type { Clock } from '#kernel/clock.ts';
import type { EventBus } from '#kernel/events.ts';
import type { DownlinkMessage, DownlinkOutcome, MqttDownlink } from '#platform/mqtt/downlink.port.ts';
import type { ServerChannel } from '#platform/mqtt/mqtt.port.ts';

interface Sent extends DownlinkMessage {
  readonly settle: (outcome: DownlinkOutcome) => void;
}

interface Connection {
  readonly connectionId: string;
  readonly deviceId: number;
  readonly deviceUid: string;
  isSubscribed: boolean;
  /** Not acknowledged yet. */
  readonly unacknowledged: Sent[];
}

/** A broker whose devices the test plays. Tells as the embedded one does. */
export interface FakeDownlink {
  readonly port: MqttDownlink;
  /** Everything that was handed to a connection, in order. */
  readonly sent: readonly DownlinkMessage[];
  /** What was made retained last, by uid of the device and channel: `d1 config`; in order of all calls. */
  readonly retained: readonly (readonly [topic: string, payload: string | null])[];
  /** Connects and subscribes. @returns the id of the connection */
  listen(deviceId: number, deviceUid: string): string;
  connect(deviceId: number, deviceUid: string): string;
  /** @returns announces it; called at once, unless `later` */
  subscribe(connectionId: string, options?: { readonly later?: boolean }): () => void;
  disconnect(connectionId: string): void;
  /** The device's PUBACK of the oldest message. */
  acknowledge(connectionId: string): void;
  /** Ids of connections that stand. */
  connections(): readonly string[];
  /** What the next calls of `publish`, `retain` and `clearRetained` fail with; null: they do not. */
  fail(error: Error | null): void;
  /** Whether too much waits at every connection: nothing is sent. */
  fill(isFull: boolean): void;
}

export function createFakeDownlink({
  events,
  clock,
  channel = 'command',
}: {
  readonly events: EventBus;
  readonly clock: Clock;
  /** What the devices subscribe to. */
  readonly channel?: ServerChannel;
}): FakeDownlink {
  const connections = new Map<string, Connection>();
  const sent: DownlinkMessage[] = [];
  const retained: (readonly [string, string | null])[] = [];
  let failure: Error | null = null;
  let isFull = false;
  let made = 0;

  const eventOf = ({ connectionId, deviceId, deviceUid }: Connection) => ({
    device_id: deviceId,
    device_uid: deviceUid,
    connection_id: connectionId,
  });
  const of = (uid: string) => [...connections.values()].filter(({ deviceUid }) => deviceUid === uid);

  async function setRetained(deviceUid: string, of: ServerChannel, payload: string | null): Promise<void> {
    if (failure !== null) throw failure;
    retained.push([`${deviceUid} ${of}`, payload]);
  }

  const fake: FakeDownlink = {
    sent,
    retained,
    connect(deviceId, deviceUid) {
      made += 1;
      const connection = { connectionId: `c${made}`, deviceId, deviceUid, isSubscribed: false, unacknowledged: [] };
      connections.set(connection.connectionId, connection);
      const detail = { protocol: '3.1.1', transport: 'tcp', ip_address: null };
      events.emit('device.connected', clock.now(), { ...eventOf(connection), ...detail });
      return connection.connectionId;
    },
    subscribe(connectionId, { later = false } = {}) {
      const connection = connections.get(connectionId) as Connection;
      connection.isSubscribed = true;
      const announce = () => {
        events.emit('device.subscribed', clock.now(), { ...eventOf(connection), channels: [channel] });
      };
      if (!later) announce();
      return announce;
    },
    listen(deviceId, deviceUid) {
      const connectionId = fake.connect(deviceId, deviceUid);
      fake.subscribe(connectionId);
      return connectionId;
    },
    disconnect(connectionId) {
      const connection = connections.get(connectionId) as Connection;
      connections.delete(connectionId);
      for (const { settle } of connection.unacknowledged) settle('gone');
      events.emit('device.disconnected', clock.now(), eventOf(connection));
    },
    acknowledge: (connectionId) => connections.get(connectionId)?.unacknowledged.shift()?.settle('delivered'),
    connections: () => [...connections.keys()],
    fail(error) {
      failure = error;
    },
    fill(now) {
      isFull = now;
    },
    port: {
      capabilities: {
        reportsDelivery: true,
        sender: 'holder',
        mayRepeat: false,
        reportsRefusals: false,
        queueLimit: null,
      },
      async publish(message) {
        if (failure !== null) throw failure;
        return of(message.deviceUid)
          .filter(({ isSubscribed }) => isSubscribed)
          .map(({ connectionId, unacknowledged }) => {
            if (isFull) return { connectionId, outcome: Promise.resolve<DownlinkOutcome>('full') };
            sent.push(message);
            const outcome = new Promise<DownlinkOutcome>((settle) => unacknowledged.push({ ...message, settle }));
            return { connectionId, outcome };
          });
      },
      retain: (deviceUid, channel, payload) => setRetained(deviceUid, channel, payload),
      clearRetained: (deviceUid, channel) => setRetained(deviceUid, channel, null),
      supply: () => {},
      connections: (deviceUid) => ({
        isComplete: true,
        connections: of(deviceUid).map(({ connectionId, deviceId, isSubscribed }) => ({
          ...{ connectionId, device: { deviceId, deviceUid }, protocol: '3.1.1', transport: 'tcp', ipAddress: null },
          ...{ connectedAt: clock.now(), channels: isSubscribed ? [channel] : [] },
        })),
      }),
      refusals: () => [],
      async disconnect(deviceUid) {
        for (const { connectionId } of of(deviceUid)) fake.disconnect(connectionId);
      },
    },
  };
  return fake;
}
