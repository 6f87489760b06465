import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = join(import.meta.dirname, '..', '..');
const READY_SECONDS = 30;

export type ExtraSettings = Readonly<Record<string, string>>;

/** A data folder of its own with one superuser; removed at the end, also when the benchmark is interrupted. */
export interface DataFolder extends Disposable {
  readonly path: string;
  readonly email: string;
  readonly password: string;
}

/** @param extra settings of stores outside the folder, if there are any */
export async function createDataFolder(extra: ExtraSettings = {}): Promise<DataFolder> {
  const path = mkdtempSync(join(tmpdir(), 'core-api-bench-'));
  const remove = () => rmSync(path, { recursive: true, force: true });
  process.once('exit', remove);
  const [email, password] = ['bench@example.com', randomBytes(12).toString('hex')];
  await promisify(execFile)(process.execPath, ['src/main/cli.ts', 'create-superuser', email, password], {
    cwd: ROOT,
    env: settings({ ...extra, DATA_DIR: path }),
  });
  return { path, email, password, [Symbol.dispose]: remove };
}

/** The real server, started as a user starts it, in its own process. */
export interface System extends AsyncDisposable {
  readonly pid: number;
  readonly httpPort: number;
  readonly mqttPort: number;
  readonly startedInMs: number;
  /** As a user stops it. Resolves when the process has ended. */
  stop(): Promise<void>;
}

export interface StartCommand {
  readonly file: string;
  readonly args: readonly string[];
}

export const DIRECT_START: StartCommand = {
  file: process.execPath,
  args: ['--import', './src/main/compile-cache.js', 'src/main/start.js'],
};
export const NPM_START: StartCommand = { file: 'npm', args: ['start'] };

/** Resolves at the first 200 of `/readyz`. @throws with the server's own words when it ends before */
export async function startSystem(
  folder: DataFolder,
  command = DIRECT_START,
  extra: ExtraSettings = {},
): Promise<System> {
  const [httpPort, mqttPort] = [await freePort(), await freePort()];
  const startedAt = performance.now();
  const server = spawn(command.file, command.args, {
    cwd: ROOT,
    env: settings({ DATA_DIR: folder.path, HTTP_PORT: String(httpPort), MQTT_PORT: String(mqttPort), ...extra }),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const exited = once(server, 'exit');
  const said = lastWords(server);
  const kill = () => signal(server, 'SIGKILL');
  process.once('exit', kill);
  const stop = async () => {
    signal(server, 'SIGTERM');
    await exited;
    process.off('exit', kill);
  };

  const deadline = startedAt + READY_SECONDS * 1000;
  while (!(await isReady(httpPort))) {
    if (server.exitCode !== null || performance.now() > deadline) {
      kill();
      throw new Error(`the server did not become ready:\n${said()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const startedInMs = performance.now() - startedAt;
  return { pid: server.pid ?? 0, httpPort, mqttPort, startedInMs, stop, [Symbol.asyncDispose]: stop };
}

/**
 * Warnings only, as under load one wants it; all else is the default. What npm put into the environment to run
 * the benchmark is taken out again: `npm start` of a user has to find its own Node.
 */
function settings(extra: Record<string, string>): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('npm_') && name !== 'NODE');
  const path = process.env['PATH']?.split(':').filter((folder) => !folder.includes('node_modules')) ?? [];
  return { ...Object.fromEntries(inherited), PATH: path.join(':'), LOG_LEVEL: 'warn', ...extra };
}

async function isReady(port: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/readyz`);
    await response.arrayBuffer();
    return response.status === 200;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** To the whole process group: behind npm the server is a grandchild. */
function signal(child: ChildProcess, name: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, name);
  } catch {
    // It has ended by itself.
  }
}

function lastWords(child: ChildProcess): () => string {
  let text = '';
  const keep = (chunk: Buffer) => {
    text = (text + chunk.toString()).slice(-4000);
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  return () => text;
}
