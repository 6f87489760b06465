import type { Principal } from '#kernel/access.ts';
import { canonicalJson } from '#kernel/canonical-json.ts';
import type { Clock } from '#kernel/clock.ts';
import { createId, hashSecret } from '#kernel/ids.ts';
import type { AuditEntry } from '#platform/audit/audit.port.ts';
import { commandErrors } from './commands.errors.ts';
import type { CommandChanged } from './commands.events.ts';
import {
  type Command,
  type CommandStore,
  type CommandWriter,
  type DeliverMode,
  type Idempotency,
  MAX_OPEN,
  type NewCommand,
} from './commands.ports.ts';
import type { CommandRecorder } from './commands.recorder.ts';
import { isOpen } from './commands.rules.ts';

/** What a device is to do. */
export interface CommandOrder {
  readonly command: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly deliver: DeliverMode;
  readonly ttlSeconds: number;
}

export interface CommandCreation {
  /**
   * Stores a command for one device.
   * @param key of a request that may be repeated; null: each request makes a command
   * @throws AppError `too_many_commands`, `idempotency_key_reused`
   */
  create(
    principal: Principal,
    device: CommandDevice,
    order: CommandOrder,
    key: string | null,
  ): Promise<{ readonly command: Command; readonly isNew: boolean }>;
  /** The same order for several devices, within a transaction. A device with too many open ones gets one that is REJECTED. */
  insertFor(
    writer: CommandWriter,
    devices: readonly CommandDevice[],
    order: StoredOrder,
  ): Promise<{ readonly commands: readonly Command[]; readonly steps: readonly CommandChanged[] }>;
  /** Tells of what was stored. */
  announce(commands: readonly Command[], steps: readonly CommandChanged[]): void;
}

export interface CommandDevice {
  readonly deviceId: number;
  readonly deviceUid: string;
}

export interface StoredOrder extends Pick<NewCommand, 'command' | 'params' | 'deliver' | 'batchId' | 'createdBy'> {
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

export function createCommandCreation({
  store,
  recorder,
  clock,
  queued,
}: {
  readonly store: Pick<CommandStore, 'transaction'>;
  readonly recorder: CommandRecorder;
  readonly clock: Clock;
  /** Something waits for a device. */
  readonly queued: (command: Command) => void;
}): CommandCreation {
  function newCommand(
    { deviceId, deviceUid }: CommandDevice,
    order: StoredOrder,
    idempotency: Idempotency | null,
    openNow: number,
  ): NewCommand {
    const isTooMany = openNow >= MAX_OPEN;
    const { command, params, deliver, batchId, createdBy, expiresAt } = order;
    return {
      ...{ command, params, deliver, batchId, createdBy, expiresAt },
      deviceId,
      deviceUid,
      commandId: createId(),
      status: isTooMany ? 'REJECTED' : 'QUEUED',
      error: isTooMany ? 'too_many_commands' : null,
      createdAt: order.createdAt,
      idempotency,
    };
  }

  /** The newer one takes the place of those of its name that the device has not begun. */
  async function supersede(writer: CommandWriter, deviceIds: readonly number[], order: StoredOrder) {
    if (order.deliver !== 'latest_only') return [];
    const older = await writer.listOpenNamed(deviceIds, order.command);
    const at = clock.now();
    const signal = { kind: 'superseded' } as const;
    const { steps } = await recorder.apply(
      writer,
      older.map(({ commandId }) => ({ commandId, signal, at })),
    );
    return steps;
  }

  function announce(commands: readonly Command[], steps: readonly CommandChanged[]): void {
    recorder.announce(steps);
    recorder.announce(commands.map((command) => ({ command, said: null })));
    for (const command of commands) if (isOpen(command.status)) queued(command);
  }

  return {
    async create(principal, device, order, key) {
      const idempotency = key === null ? null : hashesOf(principal, key, device, order);
      const { ttlSeconds, ...rest } = order;
      const made = await store.transaction(async (writer, audit) => {
        const known = idempotency === null ? null : await writer.findByKey(idempotency.key);
        if (known !== null) {
          if (known.request !== idempotency?.request) throw commandErrors.idempotency_key_reused();
          return { command: known.command, isNew: false, steps: [] };
        }
        const createdAt = clock.now();
        const expiresAt = createdAt + ttlSeconds * 1_000;
        const stored = { ...rest, batchId: null, createdBy: principal.userId, createdAt, expiresAt };
        const steps = await supersede(writer, [device.deviceId], stored);
        const openNow = await writer.countOpen(device.deviceId);
        if (openNow >= MAX_OPEN) throw commandErrors.too_many_commands();
        const [command] = await writer.insert([newCommand(device, stored, idempotency, openNow)]);
        await audit.record(commandEntry(principal, 'command.created', command as Command));
        return { command: command as Command, isNew: true, steps };
      });
      if (made.isNew) announce([made.command], made.steps);
      return made;
    },

    async insertFor(writer, devices, order) {
      const deviceIds = devices.map(({ deviceId }) => deviceId);
      const steps = await supersede(writer, deviceIds, order);
      const openNow = await writer.countOpenOf(deviceIds);
      const commands = await writer.insert(
        devices.map((device) => newCommand(device, order, null, openNow.get(device.deviceId) ?? 0)),
      );
      return { commands, steps };
    },

    announce,
  };
}

/** Keys are one user's own: nobody learns of another's by trying. */
function hashesOf({ userId }: Principal, key: string, { deviceId }: CommandDevice, order: CommandOrder): Idempotency {
  return {
    key: hashSecret(JSON.stringify([userId, key])),
    request: hashSecret(canonicalJson([deviceId, order])),
  };
}

export function commandEntry(actor: Principal, action: string, command: Command): AuditEntry {
  return {
    actor,
    action,
    resourceType: 'command',
    resourceId: command.commandId,
    details: { device_id: command.deviceId, device_uid: command.deviceUid, command: command.command },
  };
}
