import type { Command } from './commands.ports.ts';
import { afterSignal, type CommandFacts, type CommandSignal, type CommandState, isOpen } from './commands.rules.ts';

/** A signal, with when it came and what the device said with it. */
export interface Signalled {
  readonly signal: CommandSignal;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly result?: unknown;
  readonly error?: string | null | undefined;
}

export interface Transited {
  readonly command: Command;
  /** The command after each transition and each progress, in order. */
  readonly steps: readonly Command[];
  /**
   * - `applied`: it counted, whether or not it changed anything
   * - `repeated`: this very signal has counted before
   * - `late`: the command had ended
   */
  readonly outcome: 'applied' | 'repeated' | 'late';
}

/** What becomes of a stored command by a signal. A command that is past its time ends first. */
export function transit(command: Command, { signal, at, result, error }: Signalled): Transited {
  const steps: Command[] = [];
  let current = command;
  const step = (next: Command) => {
    current = next;
    steps.push(next);
  };
  if (signal.kind !== 'time') {
    const timed = afterSignal(factsOf(current), { kind: 'time', at });
    if (timed !== null) step(moved(current, timed.state, at));
  }
  if (!isOpen(current.status)) {
    return {
      command: current,
      steps,
      outcome: isRepetition(command, { signal, at, result, error }) ? 'repeated' : 'late',
    };
  }
  const sent = signal.kind === 'sent' ? { sends: current.sends + 1, lastSentAt: at } : {};
  const after = afterSignal(factsOf(current), signal);
  if (after === null) return { command: { ...current, ...sent }, steps, outcome: 'applied' };
  step({
    ...(after.state === current.status ? current : moved(current, after.state, at)),
    ...sent,
    progress: after.progress,
    ...(signal.kind === 'response' ? { result: result ?? null, error: error ?? null } : {}),
    ...(signal.kind === 'nobody_listens' ? { error: 'not_listening' } : {}),
  });
  return { command: current, steps, outcome: 'applied' };
}

function factsOf({ status, progress, expiresAt }: Command): CommandFacts {
  return { state: status, progress, expiresAt };
}

function moved(command: Command, status: CommandState, at: number): Command {
  const time = Math.max(at, command.history.at(-1)?.at ?? at);
  return {
    ...command,
    status,
    history: [...command.history, { status, at: time }],
    ...(status === 'SENT' ? { sentAt: time } : {}),
    ...(status === 'DELIVERED' ? { deliveredAt: time } : {}),
    ...(isOpen(status) ? {} : { completedAt: time }),
  };
}

/** Whether it is the response that the command ended with: whoever hands it over may not know that it was stored. */
function isRepetition(command: Command, { signal, at, result, error }: Signalled): boolean {
  if (signal.kind !== 'response') return false;
  const before = command.history.at(-2)?.at ?? at;
  return (
    command.status === (signal.isSuccess ? 'SUCCEEDED' : 'FAILED') &&
    command.completedAt === Math.max(at, before) &&
    command.error === (error ?? null) &&
    JSON.stringify(command.result) === JSON.stringify(result ?? null)
  );
}
