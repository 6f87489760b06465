import { PROVISION_REQUEST, PROVISION_RESPONSE, REPLY_ID, SERVER_CHANNELS, type ServerChannel } from '../mqtt.port.ts';

/** The topics of one connection, prepared once a session. Everything that is not in here is refused. */
export interface Topics {
  /** The channel of a topic given as bytes `start`..`end` of `packet`, or null when it may not publish there. */
  channelOf(packet: Buffer, start: number, end: number): string | null;
  /** Exact topics only: a filter with `+` or `#` is refused even where it would match own topics alone. */
  maySubscribe(filter: string): boolean;
}

/** @param channels that a device may publish to */
export function deviceTopics(deviceUid: string, channels: readonly string[]): Topics {
  const prefix = `devices/${deviceUid}/`;
  return exactTopics(
    channels.map((channel) => ({ channel, topic: prefix + channel })),
    SERVER_CHANNELS.map((channel) => prefix + channel),
  );
}

/** Of who is no device yet: to ask, and to be answered. The channel of a request is the topic of its answer. */
export const CLAIM_TOPICS: Topics = {
  channelOf(packet, start, end) {
    const topic = packet.toString('utf8', start, end);
    const rest = topic.slice(PROVISION_REQUEST.length);
    return topic.startsWith(PROVISION_REQUEST) && isReplyLevel(rest) ? PROVISION_RESPONSE + rest : null;
  },
  maySubscribe: (filter) =>
    filter.startsWith(PROVISION_RESPONSE) && isReplyLevel(filter.slice(PROVISION_RESPONSE.length)),
};

/** Nothing, or `/{reply id}`. */
const isReplyLevel = (rest: string): boolean => rest === '' || (rest.startsWith('/') && REPLY_ID.test(rest.slice(1)));

function exactTopics(
  publishable: readonly { readonly channel: string; readonly topic: string }[],
  filters: readonly string[],
): Topics {
  const own = publishable.map(({ channel, topic }) => ({ channel, bytes: Buffer.from(topic) }));
  const subscribable = new Set(filters);
  return {
    channelOf(packet, start, end) {
      const length = end - start;
      for (const { channel, bytes } of own) {
        if (bytes.length === length && sameBytes(bytes, packet, start)) return channel;
      }
      return null;
    },
    maySubscribe: (filter) => subscribable.has(filter),
  };
}

/** Of granted subscriptions, with their QoS. */
export function serverChannelsOf(
  granted: readonly (readonly [topic: string, qos: number])[],
): Map<ServerChannel, number> {
  const channels = new Map<ServerChannel, number>();
  for (const [topic, qos] of granted) {
    const channel = SERVER_CHANNELS.find((name) => topic.endsWith(`/${name}`));
    if (channel !== undefined) channels.set(channel, qos);
  }
  return channels;
}

/** Faster than `Buffer.compare` for a few dozen bytes, and it allocates nothing. */
function sameBytes(expected: Buffer, packet: Buffer, start: number): boolean {
  // From the end, where two topics of one device differ.
  for (let i = expected.length - 1; i >= 0; i--) {
    if (expected[i] !== packet[start + i]) return false;
  }
  return true;
}
