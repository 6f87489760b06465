import { Readable } from 'node:stream';
import { deviceTopics } from './topics.ts';

/** Message ids of QoS 2 publishes of a device that wait for their PUBREL, and whether each is stored. */
export interface QosTwoState {
  readonly received: Map<number, { stored: boolean }>;
  /** Where a PUBREC goes: the connection that has the session now. */
  connection: { confirm(type: number, messageId: number): void } | null;
}

interface StoredSession {
  readonly id: string;
  readonly subscriptions: Map<string, { readonly qos: number }>;
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

/** Persistent sessions of one device. The one that was opened longest ago gives way. */
const MAX_SESSIONS_PER_DEVICE = 8;

export function newQosTwoState(): QosTwoState {
  return { received: new Map(), connection: null };
}

/**
 * Sessions in memory and bounded: a persistence for Aedes (its interface is described in the README of
 * `aedes-persistence`). The stock one keeps queues without limit and also stores subscriptions that were refused; ours
 * knows that a session belongs to a device, that only exact topics of that device can be subscribed to, and that no
 * message passes through Aedes, in either direction: there is nothing to queue and nothing to retain. Client ids are
 * `{device_uid}:{client id}`. Nothing survives the process.
 */
export function createSessionStore() {
  const sessions = new Map<string, StoredSession>();
  const byDevice = new Map<string, Set<string>>();

  function drop(id: string): void {
    sessions.delete(id);
    const ids = byDevice.get(deviceOf(id));
    ids?.delete(id);
    if (ids?.size === 0) byDevice.delete(deviceOf(id));
  }

  return {
    /** Finds or makes the persistent session of a device. It is the newest of the device afterwards. */
    open(id: string): QosTwoState {
      const known = sessions.get(id);
      const session = known ?? { id, subscriptions: new Map(), qosTwo: newQosTwoState() };
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
    /** Drops the sessions of a device. */
    forget(deviceUid: string): void {
      for (const id of byDevice.get(deviceUid) ?? []) drop(id);
    },
    /** Topic and QoS of what a persistent session is subscribed to. */
    subscriptionsOf: ({ id, clean }: ClientRef): readonly (readonly [topic: string, qos: number])[] =>
      clean === true ? [] : [...(sessions.get(id)?.subscriptions ?? [])].map(([topic, { qos }]) => [topic, qos]),

    // What follows is called by Aedes, which insists on a native async `setup`.
    async setup(): Promise<void> {},
    createRetainedStreamCombi: (): Readable => Readable.from([]),
    /** Receives the refused subscriptions of a packet too. */
    async addSubscriptions(client: ClientRef, subscriptions: readonly SubscriptionRef[]): Promise<void> {
      const session = sessions.get(client.id);
      const topics = deviceTopics(deviceOf(client.id), []);
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
    async cleanSubscriptions(client: ClientRef): Promise<void> {
      drop(client.id);
    },
    outgoingStream: (): Readable => Readable.from([]),
    async delWill(): Promise<void> {},
    async putWill(): Promise<void> {},
    streamWill: (): Readable => Readable.from([]),
  };
}

function deviceOf(clientId: string): string {
  return clientId.slice(0, clientId.indexOf(':'));
}
