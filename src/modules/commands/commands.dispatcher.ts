import { type Clock, toIso } from '#kernel/clock.ts';
import { createBackground, createKeyedMutex } from '#kernel/concurrency.ts';
import type { Logger } from '#kernel/logger.ts';
import type { DownlinkDelivery, MqttDownlink } from '#platform/mqtt/downlink.port.ts';
import { type Command, type CommandStore, MAX_SENDS } from './commands.ports.ts';
import type { CommandRecorder } from './commands.recorder.ts';

/** Commands that a connection has not acknowledged yet; the others wait in the store. */
const WINDOW = 16;
/**
 * In which another process may find that the device listens there, before `now` is given up; and after which a connection
 * at which too much waited is tried again. In milliseconds.
 */
const NOW_MS = 2_000;

export interface CommandDispatcher {
  /**
   * Sends what is queued for the device to whoever listens, in order. Runs once at a time for a device.
   * @returns when it is handed over and stored; a broker or store that is away is logged, and what waits goes on waiting
   */
  pump(device: DeviceKey): Promise<void>;
  /** A connection listens: what was sent over former ones and not answered is sent again over this one. */
  listens(device: DeviceKey, connectionId: string): Promise<void>;
  disconnected(deviceUid: string, connectionId: string): void;
  /** Whether the device is known to listen in this process. */
  isListening(deviceUid: string): boolean;
  /** Takes what is queued for a device that asks for it itself. @returns what it has to do, in order */
  take(device: DeviceKey, againAfterMs: number): Promise<readonly Command[]>;
  /** Resolves when nothing is under way; nothing begins any more. */
  stop(): Promise<void>;
}

export interface DeviceKey {
  readonly deviceId: number;
  readonly deviceUid: string;
}

/** A device that listens here. */
interface Listener {
  readonly connections: Set<string>;
  /** What was sent before the latest connection is to be looked up. */
  isNew: boolean;
  /** Sent since the latest connection listens. */
  fresh: Set<string>;
  /** To be sent again. */
  again: Set<string>;
}

export function createCommandDispatcher(deps: {
  readonly store: Pick<CommandStore, 'listOpen'>;
  readonly recorder: CommandRecorder;
  readonly downlink: Pick<MqttDownlink, 'publish' | 'connections' | 'capabilities'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether no other process could have the connection of a device. */
  readonly isAlone: boolean;
  /** Whether the device asks for commands over HTTP just now. */
  readonly isPolling: (deviceUid: string) => boolean;
}): CommandDispatcher {
  const { store, recorder, downlink, clock, logger, isAlone, isPolling } = deps;
  const knowsAll = isAlone || downlink.capabilities.sender === 'any';
  const listeners = new Map<string, Listener>();
  const unacknowledged = new Map<string, number>();
  const retries = new Map<string, NodeJS.Timeout>();
  const lines = createKeyedMutex<string>();
  /** Runs that have not begun. */
  const next = new Map<string, Promise<void>>();
  const running = createBackground();
  let isStopped = false;

  function meet(deviceUid: string, connectionId: string): void {
    const known = listeners.get(deviceUid);
    if (known?.connections.has(connectionId) === true) return;
    const listener = known ?? { connections: new Set(), isNew: true, fresh: new Set(), again: new Set() };
    listener.connections.add(connectionId);
    listener.isNew = true;
    listener.fresh = new Set();
    listeners.set(deviceUid, listener);
  }

  async function sendWaiting({ deviceId, deviceUid }: DeviceKey): Promise<void> {
    // One that listens already and is announced in a moment: what was sent before comes first there too.
    for (const { connectionId, channels } of downlink.connections(deviceUid).connections)
      if (channels.includes('command')) meet(deviceUid, connectionId);
    const listener = listeners.get(deviceUid);
    const isNew = listener?.isNew === true;
    if (listener !== undefined) listener.isNew = false;
    const open = await store.listOpen(deviceId);
    if (listener !== undefined) noteUnanswered(listener, open, isNew);
    const stored: Promise<unknown>[] = [];
    for (const command of open) {
      if (command.status !== 'QUEUED' && listener?.again.has(command.commandId) !== true) continue;
      if (isStopped || (unacknowledged.get(deviceUid) ?? 0) >= WINDOW) break;
      const outcome = await send(command, stored);
      if (outcome === 'nobody') stored.push(...refuseNow(open));
      // Nothing of ours may be under way there, whose end would go on with it.
      if (outcome === 'full') pumpLater({ deviceId, deviceUid });
      if (outcome !== 'next') break;
      listener?.again.delete(command.commandId);
    }
    await Promise.all(stored);
  }

  function noteUnanswered(listener: Listener, open: readonly Command[], isNew: boolean): void {
    const ids = new Set(open.map(({ commandId }) => commandId));
    const unanswered = open.filter(
      ({ status, sends }) => status === 'SENT' || (status === 'DELIVERED' && sends < MAX_SENDS),
    );
    if (isNew) {
      listener.again = new Set(
        unanswered.map(({ commandId }) => commandId).filter((commandId) => !listener.fresh.has(commandId)),
      );
    }
    for (const known of [listener.again, listener.fresh]) for (const id of known) if (!ids.has(id)) known.delete(id);
  }

  /** @param stored gets what is to be waited for */
  async function send(command: Command, stored: Promise<unknown>[]): Promise<'next' | 'nobody' | 'full'> {
    const { commandId, deviceUid, expiresAt } = command;
    if (expiresAt <= clock.now()) return 'next';
    const message = { deviceUid, channel: 'command', payload: toPayload(command), expiresAt } as const;
    const deliveries = await downlink.publish(message);
    if (deliveries.length === 0) return 'nobody';
    if (await isFull(deliveries)) return 'full';
    listeners.get(deviceUid)?.fresh.add(commandId);
    stored.push(record(commandId, 'sent'));
    void awaitDelivery(command, deliveries);
    return 'next';
  }

  /** Too much waits at every connection: it was not sent. */
  async function isFull(deliveries: readonly DownlinkDelivery[]): Promise<boolean> {
    const settled = deliveries.map(({ outcome }) => Promise.race([outcome, 'open' as const]));
    return (await Promise.all(settled)).every((outcome) => outcome === 'full');
  }

  /** One connection's word is enough; the device acts once. */
  async function awaitDelivery(command: Command, deliveries: readonly DownlinkDelivery[]): Promise<void> {
    const { commandId, deviceUid } = command;
    unacknowledged.set(deviceUid, (unacknowledged.get(deviceUid) ?? 0) + 1);
    const delivered = deliveries.map(async ({ outcome }) => {
      if ((await outcome) !== 'delivered') throw new Error('not delivered');
    });
    const isDelivered = await Promise.any(delivered).then(
      () => true,
      () => false,
    );
    const left = (unacknowledged.get(deviceUid) ?? 1) - 1;
    if (left === 0) unacknowledged.delete(deviceUid);
    else unacknowledged.set(deviceUid, left);
    if (isDelivered) await record(commandId, 'delivered');
    // What did not fit into the window.
    if (left === WINDOW - 1) await pump(command);
  }

  async function record(commandId: string, kind: 'sent' | 'delivered' | 'nobody_listens'): Promise<void> {
    try {
      await recorder.record([{ commandId, signal: { kind }, at: clock.now() }]);
    } catch (error) {
      // A command that was sent and is still QUEUED is sent again, with the same id.
      logger.error({ err: error, commandId, signal: kind }, 'what became of a command was not stored');
    }
  }

  /** Nobody listens here: what was to be sent at once or not at all has waited long enough. */
  function refuseNow(open: readonly Command[]): Promise<void>[] {
    const [first] = open;
    if (first === undefined) return [];
    const waits = open.filter(({ status, deliver }) => status === 'QUEUED' && deliver === 'now');
    const waitedSince = clock.now() - (knowsAll && !isPolling(first.deviceUid) ? 0 : NOW_MS);
    const refused = waits.filter(({ createdAt }) => createdAt <= waitedSince);
    if (refused.length < waits.length) pumpLater(first);
    return refused.map(({ commandId }) => record(commandId, 'nobody_listens'));
  }

  function pumpLater(device: DeviceKey): void {
    const { deviceUid } = device;
    if (isStopped || retries.has(deviceUid)) return;
    const timer = setTimeout(() => {
      retries.delete(deviceUid);
      void pump(device);
    }, NOW_MS);
    retries.set(deviceUid, timer.unref());
  }

  function pump(device: DeviceKey): Promise<void> {
    const { deviceUid } = device;
    if (isStopped) return Promise.resolve();
    // One that waits for its turn will see all that is stored now.
    const waiting = next.get(deviceUid);
    if (waiting !== undefined) return waiting;
    const run = lines
      .run(deviceUid, async () => {
        next.delete(deviceUid);
        await sendWaiting(device);
      })
      .catch((error: unknown) => {
        const listener = listeners.get(deviceUid);
        if (listener !== undefined) listener.isNew = true;
        logger.warn({ err: error, device: deviceUid }, 'commands could not be sent; they wait');
      });
    next.set(deviceUid, run);
    return running.add(run);
  }

  return {
    pump,
    async listens(device, connectionId) {
      meet(device.deviceUid, connectionId);
      await pump(device);
    },
    disconnected(deviceUid, connectionId) {
      const listener = listeners.get(deviceUid);
      listener?.connections.delete(connectionId);
      if (listener?.connections.size === 0) listeners.delete(deviceUid);
    },
    isListening: (deviceUid) => listeners.has(deviceUid),
    take: ({ deviceId, deviceUid }, againAfterMs) =>
      lines.run(deviceUid, async () => {
        const now = clock.now();
        const due = (await store.listOpen(deviceId)).filter(
          ({ status, lastSentAt, expiresAt }) =>
            expiresAt > now &&
            (status === 'QUEUED' ||
              ((status === 'SENT' || status === 'DELIVERED') && (lastSentAt ?? 0) <= now - againAfterMs)),
        );
        if (due.length === 0) return [];
        await recorder.record(due.map(({ commandId }) => ({ commandId, signal: { kind: 'sent' }, at: now })));
        return due;
      }),
    async stop() {
      isStopped = true;
      for (const timer of retries.values()) clearTimeout(timer);
      retries.clear();
      await running.idle();
    },
  };
}

/** What the device gets. */
export function toMessage({ commandId, command, params, expiresAt }: Command) {
  return { command_id: commandId, command, params, expires_at: toIso(expiresAt) };
}

function toPayload(command: Command): string {
  return JSON.stringify(toMessage(command));
}
