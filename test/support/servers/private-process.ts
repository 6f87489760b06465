import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../server-process.ts';
import type { TestServer } from '../servers.ts';

export interface PrivateProcessOptions {
  /** Stands in the name of the data folder and in errors. */
  readonly name: string;
  /** The data folder is in memory where there is room: for servers that wait for the disk however they are set. */
  readonly inMemory?: boolean;
  /** Called once before the first start: fills the data folder. */
  readonly prepare?: (place: Place) => Promise<void>;
  /** The program, which stays in the foreground, and its arguments. */
  readonly command: (place: Place) => readonly [program: string, ...args: string[]];
  /** Resolves when the server answers; rejects or resolves to false: asked again. */
  readonly ready: (place: Place) => Promise<boolean>;
  readonly url: (place: Place) => string;
}

export interface Place {
  /** A data folder of its own, gone after `stop`. */
  readonly folder: string;
  /** A free port on 127.0.0.1; the same after a restart. */
  readonly port: number;
}

const READY_WITHIN_MS = 60_000;
const STOPPED_WITHIN_MS = 20_000;
const ASK_EVERY_MS = 25;
const MEMORY = '/dev/shm';
const ROOM_BYTES = 1024 ** 3;

/** Starts a server of the test's own. @throws with its output when it ends, or does not answer in a minute */
export async function startPrivateProcess(options: PrivateProcessOptions): Promise<TestServer> {
  const parent = options.inMemory === true && (await hasRoomInMemory()) ? MEMORY : tmpdir();
  const folder = await mkdtemp(join(parent, `test-${options.name}-`));
  const place: Place = { folder, port: await freePort() };
  let child: ChildProcess | undefined;
  let guard: ChildProcess | undefined;

  async function start(): Promise<void> {
    const [program, ...args] = options.command(place);
    let output = '';
    const started = spawn(program, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    child = started;
    started.on('error', (error) => {
      output += error.message;
    });
    for (const stream of [started.stdout, started.stderr]) {
      stream.on('data', (chunk) => {
        output = (output + String(chunk)).slice(-10_000);
      });
    }
    guard = guardOf(started, folder);
    const deadline = Date.now() + READY_WITHIN_MS;
    while (!(await options.ready(place).catch(() => false))) {
      if (started.pid === undefined || hasEnded(started) || Date.now() > deadline) {
        await end('SIGKILL');
        throw new Error(`${options.name} did not start:\n${output}`);
      }
      await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
    }
  }

  async function end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const ending = child;
    child = undefined;
    guard?.kill('SIGKILL');
    guard = undefined;
    if (ending === undefined || ending.pid === undefined || hasEnded(ending)) return;
    const exited = once(ending, 'exit');
    ending.kill(signal);
    const late = setTimeout(() => ending.kill('SIGKILL'), STOPPED_WITHIN_MS);
    await exited;
    clearTimeout(late);
  }

  async function stop(): Promise<void> {
    // Nobody will read the data again, so nothing has to be written in order.
    await end('SIGKILL');
    // Chromium's own processes write for a moment longer.
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }

  try {
    await options.prepare?.(place);
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url: options.url(place),
    stop,
    async restart() {
      await end('SIGTERM');
      await start();
    },
    async kill(lost) {
      await end('SIGKILL');
      if (lost !== undefined) await rm(join(folder, lost), { force: true });
    },
  };
}

async function hasRoomInMemory(): Promise<boolean> {
  const { bavail, bsize } = await statfs(MEMORY).catch(() => ({ bavail: 0, bsize: 0 }));
  return bavail * bsize > ROOM_BYTES;
}

/**
 * A process that waits for the end of ours, whatever way it ends (its standard input closes), and then ends
 * the server and removes the folder: an aborted test run leaves nothing behind.
 */
function guardOf(server: ChildProcess, folder: string): ChildProcess {
  const script = 'cat >/dev/null; kill -9 "$1" 2>/dev/null; rm -rf "$2"';
  const guard = spawn('sh', ['-c', script, 'sh', String(server.pid ?? ''), folder], {
    // Of its own group: Ctrl+C in the terminal must not end it before it has done its work.
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guard.on('error', () => {});
  return guard;
}

const hasEnded = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null;

/** The path of the first of `programs` that this machine has, also outside a user's PATH. */
export async function findProgram(...programs: readonly string[]): Promise<string | null> {
  const env = { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/local/sbin:/sbin` };
  for (const program of programs) {
    const found = await promisify(execFile)('sh', ['-c', 'command -v "$1"', 'sh', program], { env }).catch(() => null);
    if (found !== null) return found.stdout.trim();
  }
  return null;
}

/** Those of `programs` that this machine does not have. */
export async function missingPrograms(programs: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(programs.map((program) => findProgram(program)));
  return programs.filter((_, index) => found[index] === null);
}
