import { Readable } from 'node:stream';
import type { Logger } from '#kernel/logger.ts';
import { deviceTopics } from './topics.ts';

/** Message ids of QoS 2 publishes of a device that wait for their PUBREL, and whether each is stored. */
export interface QosTwoState {
  readonly received: Map<number, { stored: boolean }>;
  /** Where a PUBREC goes: the connection that has the session now. */
  connection: { confirm(type: number, messageId: number): void } | null;
}

/** A message in an outgoing queue: Aedes' packet, of which only these fields matter here. */
interface QueuedPacket {
  readonly brokerId: string;
  readonly brokerCounter: number;
  readonly topic: string;
  readonly payload: Buffer;
  messageId?: number;
}

interface StoredSession {
  readonly id: string;
  readonly subscriptions: Map<string, { readonly qos: number }>;
  outgoing: QueuedPacket[];
  readonly qosTwo: QosTwoState;
}

interface ClientRef {
  readonly id: string;
  readonly clean?: boolean;
}

interface SubscriptionRef {
  readonly topic: string;
  readonly qos: number;
}

/** Messages kept for a session that is away or does not acknowledge. A new one beyond that is dropped. */
const MAX_QUEUED = 1_000;
/** Persistent sessions of one device. The one that was opened longest ago gives way. */
const MAX_SESSIONS_PER_DEVICE = 8;

export function newQosTwoState(): QosTwoState {
  return { received: new Map(), connection: null };
}

/**
 * Sessions, outgoing queues and retained messages, in memory and bounded: a persistence for Aedes (its
 * interface is described in the README of `aedes-persistence`). The stock one keeps queues without limit
 * and also stores subscriptions that were refused; ours knows that a session belongs to a device, that only
 * exact topics of that device can be subscribed to, and that neither Last Wills nor QoS 2 publishes of
 * devices reach Aedes. Client ids are `{device_uid}:{client id}`. Nothing survives the process: what must,
 * is published again at the next start.
 */
export function createSessionStore(logger: Logger) {
  const sessions = new Map<string, StoredSession>();
  const byDevice = new Map<string, Set<string>>();
  const retained = new Map<string, object>();

  function drop(id: string): void {
    sessions.delete(id);
    const ids = byDevice.get(deviceOf(id));
    ids?.delete(id);
    if (ids?.size === 0) byDevice.delete(deviceOf(id));
  }

  function enqueue(id: string, packet: QueuedPacket): void {
    const session = sessions.get(id);
    if (session === undefined) return;
    if (session.outgoing.length >= MAX_QUEUED) {
      logger.warn({ session: id, queued: MAX_QUEUED }, 'message to a device dropped, its queue is full');
      return;
    }
    session.outgoing.push({ ...packet });
  }

  return {
    /** Finds or makes the persistent session of a device. It is the newest of the device afterwards. */
    open(id: string): QosTwoState {
      const known = sessions.get(id);
      const session = known ?? { id, subscriptions: new Map(), outgoing: [], qosTwo: newQosTwoState() };
      sessions.set(id, session);
      const ids = byDevice.get(deviceOf(id)) ?? new Set();
      byDevice.set(deviceOf(id), ids);
      ids.delete(id);
      ids.add(id);
      if (ids.size > MAX_SESSIONS_PER_DEVICE) {
        const oldest = [...ids].find((other) => other !== id && sessions.get(other)?.qosTwo.connection === null);
        if (oldest !== undefined) drop(oldest);
      }
      return session.qosTwo;
    },
    has: (id: string) => sessions.has(id),
    drop,
    /** Drops everything that is kept for a device: sessions, queues and retained messages. */
    forget(deviceUid: string): void {
      for (const id of byDevice.get(deviceUid) ?? []) drop(id);
      for (const topic of retained.keys()) {
        if (topic.startsWith(`devices/${deviceUid}/`)) retained.delete(topic);
      }
    },

    // What follows is called by Aedes, which insists on a native async `setup`.
    async setup(): Promise<void> {},
    async storeRetained(packet: QueuedPacket): Promise<void> {
      if (packet.payload.length === 0) retained.delete(packet.topic);
      else retained.set(packet.topic, { ...packet });
    },
    createRetainedStreamCombi(topics: readonly string[]): Readable {
      return Readable.from(topics.flatMap((topic) => retained.get(topic) ?? []));
    },
    /** Receives the refused subscriptions of a packet too. */
    async addSubscriptions(client: ClientRef, subscriptions: readonly SubscriptionRef[]): Promise<void> {
      const session = sessions.get(client.id);
      const topics = deviceTopics(deviceOf(client.id));
      for (const { topic, qos } of subscriptions) {
        if (topics.maySubscribe(topic)) session?.subscriptions.set(topic, { qos });
      }
    },
    async removeSubscriptions(client: ClientRef, topics: readonly string[]): Promise<void> {
      for (const topic of topics) sessions.get(client.id)?.subscriptions.delete(topic);
    },
    async subscriptionsByClient(client: ClientRef): Promise<SubscriptionRef[]> {
      const session = sessions.get(client.id);
      return session === undefined ? [] : [...session.subscriptions].map(([topic, { qos }]) => ({ topic, qos }));
    },
    async subscriptionsByTopic(topic: string): Promise<(SubscriptionRef & { clientId: string })[]> {
      const ids = byDevice.get(topic.split('/')[1] ?? '') ?? [];
      return [...ids].flatMap((clientId) => {
        const qos = sessions.get(clientId)?.subscriptions.get(topic)?.qos ?? 0;
        return qos > 0 ? [{ clientId, topic, qos }] : [];
      });
    },
    async cleanSubscriptions(client: ClientRef): Promise<void> {
      drop(client.id);
    },
    async outgoingEnqueue(subscription: { readonly clientId: string }, packet: QueuedPacket): Promise<void> {
      enqueue(subscription.clientId, packet);
    },
    async outgoingEnqueueCombi(
      subscriptions: readonly { readonly clientId: string }[],
      packet: QueuedPacket,
    ): Promise<void> {
      for (const { clientId } of subscriptions) enqueue(clientId, packet);
    },
    /** Remembers under which message id a queued message was sent. */
    async outgoingUpdate(client: ClientRef, packet: QueuedPacket): Promise<void> {
      const queued = sessions
        .get(client.id)
        ?.outgoing.find((other) => other.brokerCounter === packet.brokerCounter && other.brokerId === packet.brokerId);
      if (queued === undefined) throw new Error('no such packet');
      if (packet.messageId !== undefined) queued.messageId = packet.messageId;
    },
    async outgoingClearMessageId(
      client: ClientRef,
      packet: { readonly messageId?: number },
    ): Promise<QueuedPacket | undefined> {
      // Aedes also asks with a message that was not sent; nothing may be cleared then.
      if (packet.messageId === undefined) return undefined;
      const outgoing = sessions.get(client.id)?.outgoing;
      const index = outgoing?.findIndex((queued) => queued.messageId === packet.messageId) ?? -1;
      return index === -1 ? undefined : outgoing?.splice(index, 1)[0];
    },
    outgoingStream(client: ClientRef): Readable {
      const outgoing = sessions.get(client.id)?.outgoing ?? [];
      return Readable.from(outgoing.map((queued) => ({ ...queued, dup: queued.messageId !== undefined })));
    },
    async delWill(): Promise<void> {},
    async putWill(): Promise<void> {},
    streamWill: (): Readable => Readable.from([]),
  };
}

function deviceOf(clientId: string): string {
  return clientId.slice(0, clientId.indexOf(':'));
}
