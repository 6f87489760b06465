import type { Principal } from '#kernel/access.ts';
import type { Clock } from '#kernel/clock.ts';
import { type PageQuery, parseSort, toPage } from '#kernel/pagination.ts';
import type { DevicesApi } from '#modules/devices/index.ts';
import { type CommandCreation, type CommandOrder, commandEntry } from './commands.creation.ts';
import type { CommandDispatcher, DeviceKey } from './commands.dispatcher.ts';
import { commandErrors } from './commands.errors.ts';
import { checkParams } from './commands.params.ts';
import {
  COMMAND_SORT_FIELDS,
  type Command,
  type CommandFilter,
  type CommandList,
  type CommandStore,
} from './commands.ports.ts';
import type { CommandRecorder } from './commands.recorder.ts';
import { isOpen } from './commands.rules.ts';
import type { Wait, Waits } from './commands.waits.ts';

/** What was handed to a device that asks over HTTP, and not answered, is handed to it again after so long, in milliseconds. */
const AGAIN_AFTER_MS = 60_000;

export interface CommandsServiceDeps {
  readonly store: CommandStore;
  readonly recorder: CommandRecorder;
  readonly creation: CommandCreation;
  readonly dispatcher: CommandDispatcher;
  /** By id of the command. */
  readonly endings: Waits;
  /** By uid of the device. */
  readonly polls: Waits;
  readonly devices: Pick<DevicesApi, 'getControllable' | 'findVisibleByUid'>;
  readonly clock: Clock;
}

export interface CreateOptions {
  /** Of a request that may be repeated. */
  readonly key: string | null;
  /** How long the answer may wait for the end of the command, in seconds. */
  readonly waitSeconds: number;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal?: AbortSignal;
}

export type CommandsService = ReturnType<typeof createCommandsService>;

export function createCommandsService(deps: CommandsServiceDeps) {
  const { store, recorder, creation, dispatcher, endings, polls, devices, clock } = deps;

  async function untilEnded(wait: Wait, command: Command, seconds: number, signal?: AbortSignal): Promise<Command> {
    const { commandId } = command;
    const deadline = clock.monotonic() + seconds * 1_000;
    wait.watch(commandId);
    for (let isOver = false; ; ) {
      const current = (await store.findById(commandId)) ?? command;
      if (isOver || !isOpen(current.status)) return current;
      isOver = !(await wait.until(commandId, deadline - clock.monotonic(), signal));
    }
  }

  async function ownCommand(device: DeviceKey, commandId: string): Promise<Command> {
    const command = await store.findById(commandId);
    if (command === null || command.deviceId !== device.deviceId) throw commandErrors.command_not_found();
    return command;
  }

  async function list(filter: CommandFilter, query: PageQuery): Promise<CommandList> {
    const sort = parseSort(query.sort, COMMAND_SORT_FIELDS, [{ field: 'id', direction: 'desc' }]);
    const { items, total } = await store.list({ ...query, filter, sort });
    return { ...toPage(items, total, query), counts: await store.countByState(filter) };
  }

  return {
    /**
     * @returns the command: as it is when it has ended or the waiting is over; `isNew`: false when the key was used before
     * @throws AppError as `getControllable`, `command_params_invalid`, `too_many_commands`, `idempotency_key_reused`,
     *   `too_many_waiting`: no command was made
     */
    async create(
      principal: Principal,
      deviceId: number,
      order: CommandOrder,
      { key, waitSeconds, signal }: CreateOptions,
    ): Promise<{ readonly command: Command; readonly isNew: boolean }> {
      checkParams(order.params);
      const device = await devices.getControllable(principal, deviceId);
      const wait = waitSeconds > 0 ? endings.open(`user ${principal.userId}`) : null;
      try {
        const { command, isNew } = await creation.create(principal, device, order, key);
        if (isNew && order.deliver === 'now') await dispatcher.pump(device);
        if (wait !== null) return { command: await untilEnded(wait, command, waitSeconds, signal), isNew };
        const isCurrent = isNew && order.deliver !== 'now';
        return { command: isCurrent ? command : ((await store.findById(command.commandId)) ?? command), isNew };
      } finally {
        wait?.end();
      }
    },

    /** @throws AppError as `getControllable`, `command_not_found` */
    async get(principal: Principal, deviceId: number, commandId: string): Promise<Command> {
      return await ownCommand(await devices.getControllable(principal, deviceId), commandId);
    },

    /**
     * A device that has it already is not told.
     * @throws AppError as `get`, `command_ended`
     */
    async cancel(principal: Principal, deviceId: number, commandId: string): Promise<Command> {
      const device = await devices.getControllable(principal, deviceId);
      const command = await ownCommand(device, commandId);
      const at = clock.now();
      const { steps, outcome } = await store.transaction(async (writer, audit) => {
        const recorded = await recorder.apply(writer, [{ commandId, signal: { kind: 'cancelled' }, at }]);
        const isCancelled = recorded.outcomes[0] === 'applied';
        if (isCancelled) await audit.record(commandEntry(principal, 'command.cancelled', command));
        return { steps: recorded.steps, outcome: recorded.outcomes[0] };
      });
      recorder.announce(steps);
      if (outcome !== 'applied') throw commandErrors.command_ended();
      return await ownCommand(device, commandId);
    },

    /** @throws AppError as `getControllable`, `invalid_sort` */
    async listOfDevice(principal: Principal, deviceId: number, filter: CommandFilter, query: PageQuery) {
      const device = await devices.getControllable(principal, deviceId);
      return await list({ ...filter, deviceId: device.deviceId }, query);
    },

    list,

    /** Its open commands are CANCELLED. */
    async forgetDevice(deviceId: number): Promise<void> {
      const at = clock.now();
      const open = await store.listOpen(deviceId);
      if (open.length === 0) return;
      await recorder.record(open.map(({ commandId }) => ({ commandId, signal: { kind: 'cancelled' }, at })));
    },

    /**
     * For a device that has no MQTT: what it has to do, in order, at once or when something comes within the time.
     * @throws AppError `too_many_waiting`
     */
    async poll(device: DeviceKey, waitSeconds: number, signal?: AbortSignal): Promise<readonly Command[]> {
      const { deviceUid } = device;
      const wait = polls.open(deviceUid);
      try {
        const deadline = clock.monotonic() + waitSeconds * 1_000;
        wait.watch(deviceUid);
        for (let isOver = waitSeconds === 0; ; ) {
          const commands = await dispatcher.take(device, AGAIN_AFTER_MS);
          if (isOver || commands.length > 0) return commands;
          isOver = !(await wait.until(deviceUid, deadline - clock.monotonic(), signal));
          // Nobody would get what is taken now.
          if (signal?.aborted === true) return [];
        }
      } finally {
        wait.end();
      }
    },
  };
}
