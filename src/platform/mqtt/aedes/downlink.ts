import type { Clock } from '#kernel/clock.ts';
import { backoffMs, pause } from '#kernel/concurrency.ts';
import type { EventBus } from '#kernel/events.ts';
import type { Logger } from '#kernel/logger.ts';
import { createConnectionRegistry, type NewConnection, type RegisteredConnection } from '../connection-registry.ts';
import type { DownlinkDelivery, MqttDownlink, RetainedSource } from '../downlink.port.ts';
import type { ServerChannel } from '../mqtt.port.ts';
import { Refusals } from '../refusals.ts';
import type { DeviceConnection } from './device-connection.ts';
import { Outgoing, QUEUE_LIMIT } from './outgoing.ts';

/** What the broker tells. */
export interface DownlinkEdge {
  /** Packets can be sent from now on. */
  opened(connection: DeviceConnection, info: NewConnection): void;
  /** Also with what a session had kept: what is retained may have changed meanwhile. */
  subscribed(connection: DeviceConnection, deviceUid: string, channels: ReadonlyMap<ServerChannel, number>): void;
  unsubscribed(connection: DeviceConnection, deviceUid: string, channels: readonly ServerChannel[]): void;
  closed(connection: DeviceConnection, deviceUid: string): void;
  refused(deviceUid: string, reason: string, ipAddress: string | null): void;
}

export interface AedesDownlink {
  readonly port: MqttDownlink;
  readonly edge: DownlinkEdge;
}

interface Message {
  readonly channel: ServerChannel;
  readonly payload: string;
  readonly retain: boolean;
  readonly expiresAt: number | null;
}

const RETRY = { firstMs: 100, longestMs: 5_000 };

/**
 * Sends by itself over the connections of the embedded broker, past Aedes, which would keep messages for persistent
 * sessions. Nothing that is retained is kept here: its source is asked at each subscription.
 */
export function createAedesDownlink({
  events,
  clock,
  logger,
}: {
  readonly events: EventBus;
  readonly clock: Clock;
  readonly logger: Logger;
}): AedesDownlink {
  const registry = createConnectionRegistry<DeviceConnection>({ events, clock });
  const refusals = new Refusals(clock);
  const sources = new Map<ServerChannel, RetainedSource>();
  /** Looks into a source that are under way, by topic: what is told meanwhile is newer than what they find. */
  const looks = new Map<string, Set<{ isOutdated: boolean }>>();

  function sendTo({ info, link, subscriptions }: RegisteredConnection<DeviceConnection>, message: Message) {
    link.outgoing ??= new Outgoing(link, () => clock.now());
    return link.outgoing.send({
      ...message,
      topic: topicOf(info.device.deviceUid, message.channel),
      qos: subscriptions.get(message.channel) === 0 ? 0 : 1,
    });
  }

  function sendToAll(deviceUid: string, message: Message): readonly DownlinkDelivery[] {
    return registry
      .of(deviceUid)
      .filter(({ subscriptions }) => subscriptions.has(message.channel))
      .map((connection) => ({ connectionId: connection.info.connectionId, outcome: sendTo(connection, message) }));
  }

  /** Sends what is retained to one connection, after whatever was said to it before. */
  async function sendRetained(connectionId: string, deviceUid: string, channel: ServerChannel): Promise<void> {
    const source = sources.get(channel);
    if (source === undefined) return;
    const topic = topicOf(deviceUid, channel);
    const look = { isOutdated: false };
    const others = looks.get(topic) ?? new Set();
    looks.set(topic, others.add(look));
    const current = () => registry.of(deviceUid).find(({ info }) => info.connectionId === connectionId);
    try {
      for (let attempt = 0; !look.isOutdated && current()?.subscriptions.has(channel); attempt++) {
        try {
          const payload = await source.payloadOf(deviceUid);
          const connection = current();
          if (look.isOutdated || payload === null || !connection?.subscriptions.has(channel)) return;
          void sendTo(connection, { channel, payload, retain: true, expiresAt: null });
          return;
        } catch (error) {
          if (attempt === 0) logger.warn({ err: error, topic }, 'what is retained cannot be looked up; asked again');
          await pause(backoffMs(RETRY, attempt));
        }
      }
    } finally {
      others.delete(look);
      if (others.size === 0 && looks.get(topic) === others) looks.delete(topic);
    }
  }

  function outdate(deviceUid: string, channel: ServerChannel): void {
    for (const look of looks.get(topicOf(deviceUid, channel)) ?? []) look.isOutdated = true;
  }

  const port: MqttDownlink = {
    capabilities: {
      reportsDelivery: true,
      sender: 'holder',
      mayRepeat: false,
      reportsRefusals: true,
      queueLimit: QUEUE_LIMIT,
    },
    publish: async ({ deviceUid, channel, payload, expiresAt = null }) =>
      sendToAll(deviceUid, { channel, payload, retain: false, expiresAt }),
    async retain(deviceUid, channel, payload) {
      outdate(deviceUid, channel);
      sendToAll(deviceUid, { channel, payload, retain: false, expiresAt: null });
    },
    async clearRetained(deviceUid, channel) {
      outdate(deviceUid, channel);
    },
    supply: (channel, source) => void sources.set(channel, source),
    connections: (deviceUid) => ({ isComplete: true, connections: registry.describe(deviceUid) }),
    refusals: (deviceUid) => refusals.of(deviceUid),
    async disconnect(deviceUid) {
      for (const { link } of registry.of(deviceUid)) link.cut();
    },
  };

  return {
    port,
    edge: {
      opened: (connection, info) => registry.opened(info, connection),
      subscribed(connection, deviceUid, channels) {
        registry.subscribed(deviceUid, connection.id, channels);
        for (const channel of channels.keys()) void sendRetained(connection.id, deviceUid, channel);
      },
      unsubscribed: (connection, deviceUid, channels) => registry.unsubscribed(deviceUid, connection.id, channels),
      closed(connection, deviceUid) {
        connection.outgoing?.close();
        registry.closed(deviceUid, connection.id);
      },
      refused: (deviceUid, reason, ipAddress) => refusals.note(deviceUid, reason, ipAddress),
    },
  };
}

function topicOf(deviceUid: string, channel: ServerChannel): string {
  return `devices/${deviceUid}/${channel}`;
}
