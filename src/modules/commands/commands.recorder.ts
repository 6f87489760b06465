import type { Clock } from '#kernel/clock.ts';
import { isAppError } from '#kernel/errors.ts';
import type { EventBus } from '#kernel/events.ts';
import type { CommandChanged } from './commands.events.ts';
import type { CommandStore, CommandWriter } from './commands.ports.ts';
import type { CommandSignal } from './commands.rules.ts';
import { isOpen } from './commands.rules.ts';
import { type Signalled, type Transited, transit } from './commands.transitions.ts';

/** Signals that one transaction stores. */
const MAX_TOGETHER = 500;

export interface CommandSignalled extends Signalled {
  readonly commandId: string;
  /** Who says it; a command of another device is unknown to it. Absent: the system. */
  readonly deviceId?: number;
}

export type RecordOutcome = Transited['outcome'] | 'unknown';

/**
 * Stores what happens to commands: all that comes in while one transaction runs goes into the next one, in the order of
 * the calls. Events are emitted once it is stored.
 */
export interface CommandRecorder {
  /**
   * @returns what became of each signal, when it is stored: what a device answered on disk, else `soon`
   * @throws AppError `unavailable`: it is not known whether it was stored
   */
  record(signals: readonly CommandSignalled[]): Promise<readonly RecordOutcome[]>;
  /** For a transaction of its own. @returns steps that `announce` is given afterwards */
  apply(writer: CommandWriter, signals: readonly CommandSignalled[]): Promise<Recorded>;
  /** Emits the events of what was stored. */
  announce(steps: readonly CommandChanged[]): void;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
}

export interface Recorded {
  readonly outcomes: readonly RecordOutcome[];
  readonly steps: readonly CommandChanged[];
}

interface Entry {
  readonly signals: readonly CommandSignalled[];
  readonly resolve: (outcomes: readonly RecordOutcome[]) => void;
  readonly reject: (error: unknown) => void;
}

export function createCommandRecorder({
  store,
  events,
  clock,
}: {
  readonly store: Pick<CommandStore, 'transaction'>;
  readonly events: EventBus;
  readonly clock: Clock;
}): CommandRecorder {
  let waiting: Entry[] = [];
  let running: Promise<void> | undefined;

  async function apply(writer: CommandWriter, signals: readonly CommandSignalled[]): Promise<Recorded> {
    const stored = await writer.findMany([...new Set(signals.map(({ commandId }) => commandId))]);
    const commands = new Map(stored.map((command) => [command.commandId, command]));
    const steps: CommandChanged[] = [];
    const outcomes = signals.map((signalled): RecordOutcome => {
      const command = commands.get(signalled.commandId);
      if (command === undefined || (signalled.deviceId ?? command.deviceId) !== command.deviceId) return 'unknown';
      const transited = transit(command, signalled);
      commands.set(command.commandId, transited.command);
      const said = transited.outcome === 'applied' ? saidBy(signalled.signal) : null;
      steps.push(...transited.steps.map((step) => ({ command: step, said })));
      return transited.outcome;
    });
    const now = clock.now();
    for (const before of stored) {
      const after = commands.get(before.commandId);
      if (after !== undefined && after !== before) await writer.update(before, after, now);
    }
    return { outcomes, steps };
  }

  function announce(steps: readonly CommandChanged[]): void {
    for (const { command, said } of steps) {
      const at = command.history.at(-1)?.at ?? clock.now();
      events.emit('command.changed', at, { command, said });
      if (isOpen(command.status)) continue;
      const { commandId, deviceId, deviceUid } = command;
      events.emit('command.ended', at, { command_id: commandId, device_id: deviceId, device_uid: deviceUid });
    }
  }

  async function commit(entries: readonly Entry[]): Promise<void> {
    const signals = entries.flatMap((entry) => entry.signals);
    const isAnswered = signals.some(({ signal }) => saidBy(signal) !== null);
    const { outcomes, steps } = await store.transaction(
      (writer) => apply(writer, signals),
      isAnswered ? 'on disk' : 'soon',
    );
    let from = 0;
    for (const { signals: own, resolve } of entries) {
      resolve(outcomes.slice(from, from + own.length));
      from += own.length;
    }
    announce(steps);
  }

  async function drain(): Promise<void> {
    while (waiting.length > 0) {
      const entries: Entry[] = [];
      let size = 0;
      for (const entry of waiting) {
        if (entries.length > 0 && size + entry.signals.length > MAX_TOGETHER) break;
        entries.push(entry);
        size += entry.signals.length;
      }
      waiting = waiting.slice(entries.length);
      try {
        await commit(entries);
      } catch (error) {
        await storeEach(entries, error);
      }
    }
  }

  /** One that cannot be stored must not take the others with it. */
  async function storeEach(entries: readonly Entry[], error: unknown): Promise<void> {
    const isAway = isAppError(error) && error.kind === 'unavailable';
    for (const entry of entries) {
      try {
        if (entries.length === 1 || isAway) throw error;
        await commit([entry]);
      } catch (own) {
        entry.reject(own);
      }
    }
  }

  function kick(): void {
    running ??= drain().finally(() => {
      running = undefined;
      if (waiting.length > 0) kick();
    });
  }

  return {
    record: (signals) =>
      new Promise((resolve, reject) => {
        waiting.push({ signals, resolve, reject });
        kick();
      }),
    apply,
    announce,
    async idle() {
      while (running !== undefined) await running;
    },
  };
}

function saidBy(signal: CommandSignal): CommandChanged['said'] {
  if (signal.kind === 'progress') return 'progress';
  if (signal.kind === 'response') return signal.isSuccess ? 'success' : 'error';
  return null;
}
