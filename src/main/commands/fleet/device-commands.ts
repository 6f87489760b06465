import { createMutex } from '#kernel/concurrency.ts';
import { parseInstant } from '#kernel/instant.ts';
import { readingAt } from './device-model.ts';
import { type DeviceParts, type Json, work } from './device-parts.ts';

/** How many outcomes a device keeps, for commands that come again. */
const KEPT = 1_000;

export interface DeviceCommands {
  /** Acts on a command that has not come before, one after the other; answers one that has come before again. */
  receive(command: Json): Promise<void>;
  /** Answers what a power cut has interrupted. */
  recover(): Promise<void>;
}

/** Devices know `measure`, `reboot`, and every other command, which takes two steps. */
export function createDeviceCommands(parts: DeviceParts): DeviceCommands {
  const { device, memory, happens, power, stepMs, say, restart, tell } = parts;
  const inTurn = createMutex();

  async function act(commandId: string, command: string): Promise<void> {
    const outcome = memory.commands.get(commandId);
    if (outcome === 'begun' || outcome === 'unanswered') return;
    if (outcome !== undefined) return await say('response', outcome);
    memory.commandsBegun += 1;
    const occasion = memory.commandsBegun;
    remember(commandId, 'begun');
    if (happens('command_unanswered', occasion)) {
      remember(commandId, 'unanswered');
      tell({ kind: 'command', commandId, outcome: 'unanswered' });
      return;
    }
    await work(stepMs, power);
    if (command !== 'measure') {
      await say('response', { command_id: commandId, status: 'progress', progress: 50 });
      await work(stepMs, power);
    }
    const fails = happens('command_fails', occasion);
    await finish(
      commandId,
      fails ? { status: 'error', error: `${command} did not work` } : { status: 'success', result: resultOf(command) },
    );
    if (command === 'reboot' && !fails) restart('orderly');
  }

  function resultOf(command: string): Json {
    return command === 'measure' ? readingAt(device.model, device.seed, Date.now()).metrics : { done: command };
  }

  async function finish(commandId: string, answer: Json): Promise<void> {
    const message = { command_id: commandId, ...answer };
    remember(commandId, message);
    tell({ kind: 'command', commandId, outcome: answer['status'] === 'success' ? 'success' : 'error' });
    await say('response', message);
  }

  function remember(commandId: string, outcome: Parameters<typeof memory.commands.set>[1]): void {
    memory.commands.set(commandId, outcome);
    const [oldest] = memory.commands.keys();
    if (memory.commands.size > KEPT && oldest !== undefined) memory.commands.delete(oldest);
  }

  return {
    async receive({ command_id: commandId, command, expires_at: expiresAt }) {
      if (typeof commandId !== 'string' || typeof command !== 'string') return;
      await inTurn(async () => {
        power.throwIfAborted();
        const until = typeof expiresAt === 'string' ? parseInstant(expiresAt) : null;
        if (until === null || until > Date.now() || memory.commands.has(commandId)) await act(commandId, command);
      });
    },
    async recover() {
      const interrupted = [...memory.commands].filter(([, outcome]) => outcome === 'begun');
      for (const [commandId] of interrupted) {
        await finish(commandId, { status: 'error', error: 'interrupted by a restart of the device' });
      }
    },
  };
}
