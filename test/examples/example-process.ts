import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** A device of `examples/`, run as its README says. */
export interface ExampleProcess {
  /** What it has printed so far. */
  output(): string;
  /** Ends it as Ctrl-C or a supervisor does. @returns its exit code */
  stop(): Promise<number | null>;
  /** As if the power went: it and every program that it started, at once. */
  cutPower(): Promise<void>;
}

export type ExampleSettings = Readonly<Record<string, string>>;

export function startExampleProcess(
  command: readonly [program: string, ...args: string[]],
  settings: ExampleSettings,
): ExampleProcess {
  const [program, ...args] = command;
  const child: ChildProcess = spawn(program, args, {
    env: { PATH: process.env['PATH'], ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A process group of its own, which can be killed as a whole.
    detached: true,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      output += String(chunk);
    });
  }
  const exited = once(child, 'exit') as Promise<[number | null]>;
  return {
    output: () => output,
    async stop() {
      child.kill('SIGTERM');
      return (await exited)[0];
    },
    async cutPower() {
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
        process.kill(-child.pid, 'SIGKILL');
      }
      await exited;
    },
  };
}
