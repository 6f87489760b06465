import type { Clock } from '#kernel/clock.ts';
import { commonErrors } from '#kernel/errors.ts';
import type { EventBus } from '#kernel/events.ts';
import { createId } from '#kernel/ids.ts';
import type { Logger } from '#kernel/logger.ts';
import { createConnectionRegistry } from '../connection-registry.ts';
import type { DownlinkDelivery, MqttDownlink, RetainedSource } from '../downlink.port.ts';
import type { MqttDevice, ServerChannel } from '../mqtt.port.ts';
import type { MosquittoControl } from './control.ts';
import { createRetainedCopies } from './retained-copies.ts';
import type { Signal } from './signals.ts';

type Owns = (deviceUid: string) => boolean;

/** What a session tells of the devices that are its part. */
export interface DownlinkEdge {
  opened(device: MqttDevice, signal: Extract<Signal, { kind: 'connected' }>): void;
  closed(deviceUid: string): void;
  subscribed(deviceUid: string, channel: ServerChannel, qos: number): void;
  unsubscribed(deviceUid: string, channel: ServerChannel): void;
  /** It is connected (again): what the broker retains for its devices may be lost. */
  sessionOpened(owns: Owns): void;
  /** Its devices are told to another process from now on. */
  release(owns: Owns): void;
}

export interface MosquittoDownlink {
  readonly port: MqttDownlink;
  readonly edge: DownlinkEdge;
}

/** While it is not known who is connected, the broker may keep a message for no longer, in a session that nobody uses. */
const UNKNOWN_EXPIRY_SECONDS = 10;

/**
 * Sends by way of the broker, which says whether anybody is subscribed but not whether the device has it. Who is
 * connected and subscribed, its log says, in the process that has the device's session, from then on.
 */
export function createMosquittoDownlink({
  control,
  events,
  clock,
  logger,
}: {
  readonly control: MosquittoControl;
  readonly events: EventBus;
  readonly clock: Clock;
  readonly logger: Logger;
}): MosquittoDownlink {
  const registry = createConnectionRegistry<{ readonly isClean: boolean }>({ events, clock });
  /** Devices that we know to be disconnected. */
  const away = new Set<string>();
  /** What persistent sessions are subscribed to, while their devices are away. */
  const kept = new Map<string, ReadonlyMap<ServerChannel, number>>();
  const sources = new Map<ServerChannel, RetainedSource>();
  const copies = createRetainedCopies({ control, logger, sources });

  function subscribed(deviceUid: string, channels: ReadonlyMap<ServerChannel, number>): void {
    const [connection] = registry.of(deviceUid);
    if (connection !== undefined) registry.subscribed(deviceUid, connection.info.connectionId, channels);
  }

  async function publish(
    deviceUid: string,
    channel: ServerChannel,
    payload: string,
    expiresAt: number | undefined,
  ): Promise<readonly DownlinkDelivery[]> {
    if (away.has(deviceUid)) return [];
    const connectionId = registry.of(deviceUid)[0]?.info.connectionId ?? null;
    const leftSeconds = expiresAt === undefined ? Number.POSITIVE_INFINITY : (expiresAt - clock.now()) / 1_000;
    if (leftSeconds <= 0) return [{ connectionId, outcome: Promise.resolve('expired') }];
    const seconds = connectionId === null ? Math.min(leftSeconds, UNKNOWN_EXPIRY_SECONDS) : leftSeconds;
    const isTaken = await control.publish({
      topic: topicOf(deviceUid, channel),
      payload,
      qos: 1,
      ...(Number.isFinite(seconds) ? { expirySeconds: Math.ceil(seconds) } : {}),
    });
    return isTaken ? [{ connectionId, outcome: Promise.resolve('unconfirmed') }] : [];
  }

  async function setRetained(deviceUid: string, channel: ServerChannel, payload: string): Promise<void> {
    copies.changed(topicOf(deviceUid, channel));
    await control.publish({ topic: topicOf(deviceUid, channel), payload, qos: 1, retain: true });
  }

  const port: MqttDownlink = {
    capabilities: {
      reportsDelivery: false,
      sender: 'any',
      mayRepeat: true,
      reportsRefusals: false,
      queueLimit: null,
    },
    publish: ({ deviceUid, channel, payload, expiresAt }) => publish(deviceUid, channel, payload, expiresAt),
    retain: setRetained,
    clearRetained: (deviceUid, channel) => setRetained(deviceUid, channel, ''),
    supply: (channel, source) => void sources.set(channel, source),
    connections(deviceUid) {
      const connections = registry.describe(deviceUid);
      return { isComplete: connections.length > 0 || away.has(deviceUid), connections };
    },
    refusals: () => [],
    async disconnect(deviceUid) {
      // Whatever is changed about an account, its sessions end; here nothing is.
      const [reply] = await control.command({ command: 'modifyClient', username: deviceUid });
      if (reply?.error === undefined || /not found/i.test(reply.error)) return;
      throw commonErrors.unavailable({ cause: new Error(reply.error) });
    },
  };

  return {
    port,
    edge: {
      opened(device, { ipAddress, protocol, isClean }) {
        const { deviceUid } = device;
        away.delete(deviceUid);
        registry.opened({ connectionId: createId(), device, protocol, transport: null, ipAddress }, { isClean });
        const subscriptions = isClean ? undefined : kept.get(deviceUid);
        kept.delete(deviceUid);
        if (subscriptions !== undefined) subscribed(deviceUid, subscriptions);
      },
      closed(deviceUid) {
        away.add(deviceUid);
        const [connection] = registry.of(deviceUid);
        if (connection === undefined) return;
        const { info, link, subscriptions } = connection;
        if (!link.isClean && subscriptions.size > 0) kept.set(deviceUid, subscriptions);
        registry.closed(deviceUid, info.connectionId);
      },
      subscribed: (deviceUid, channel, qos) => subscribed(deviceUid, new Map([[channel, qos]])),
      unsubscribed(deviceUid, channel) {
        const [connection] = registry.of(deviceUid);
        if (connection !== undefined) registry.unsubscribed(deviceUid, connection.info.connectionId, [channel]);
      },
      sessionOpened: copies.reconcile,
      release(owns) {
        registry.release(owns);
        for (const known of [away, kept]) {
          for (const deviceUid of [...known.keys()]) if (owns(deviceUid)) known.delete(deviceUid);
        }
        copies.release(owns);
      },
    },
  };
}

function topicOf(deviceUid: string, channel: ServerChannel): string {
  return `devices/${deviceUid}/${channel}`;
}
