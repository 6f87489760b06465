import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

/** What a reader types into one terminal, in the project's folder. */
export interface ShellSession {
  /** Runs one statement. Resolves with what it printed. @throws when it ends with non-zero, with its output */
  run(statement: string): Promise<string>;
  /** Ends the terminal and everything that was started in it. */
  close(): void;
}

/**
 * A bash with job control. `curl` fails on a status from 400 on, where it would print a problem and succeed.
 * @param env added to PATH and HOME
 */
export function openShell(env: Readonly<Record<string, string>>): ShellSession {
  const { PATH, HOME } = process.env;
  const shell: ChildProcess = spawn('bash', ['--noprofile', '--norc'], {
    cwd: ROOT,
    env: { PATH, HOME, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  let output = '';
  let listen = () => {};
  for (const stream of [shell.stdout, shell.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      listen();
    });
  }
  let turn: Promise<unknown> = Promise.resolve();

  const runNow = (statement: string) =>
    new Promise<string>((resolve, reject) => {
      const marker = randomUUID();
      const begin = output.length;
      const end = new RegExp(`^${marker} (\\d+)$`, 'm');
      listen = () => {
        const printed = output.slice(begin);
        const found = end.exec(printed);
        if (found === null) return;
        listen = () => {};
        const text = printed.slice(0, found.index);
        if (found[1] === '0') resolve(text);
        else reject(new Error(`exit code ${found[1]} of\n${statement}\n${text}`));
      };
      // On a line of its own, whatever the statement printed without an end of line.
      shell.stdin?.write(`${statement}\nprintf '\\n%s %s\\n' ${marker} $?\n`);
    });
  const run = (statement: string) => {
    const next = turn.then(() => runNow(statement));
    turn = next.catch(() => undefined);
    return next;
  };
  void run('set -m -o pipefail; curl() { command curl --fail-with-body "$@"; }');
  return {
    run,
    close() {
      shell.stdin?.end('kill $(jobs -p) 2>/dev/null\nexit\n');
    },
  };
}
