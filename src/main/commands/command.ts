import type { Settings } from '../settings.ts';

/** One command of `npm run core -- <name>`. */
export interface Command {
  /** Arguments behind the name, for the help: `<email> [password]`. */
  readonly usage: string;
  readonly summary: string;
  /** @throws UsageError, StartError, AppError: shown as one line, exit code 1 */
  run(args: readonly string[], settings: Settings): Promise<void>;
}

/** The command was called in a way that it does not know. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}

export function print(...lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}
