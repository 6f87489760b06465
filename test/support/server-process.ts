import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = join(import.meta.dirname, '../..');
/** As in package.json. */
const PRELOAD = ['--import', './src/main/compile-cache.js'];
const READY_WITHIN_MS = 60_000;

export interface ServerProcess {
  readonly httpUrl: string;
  readonly mqttUrl: string;
  readonly mqttPort: number;
  readonly pid: number;
  /** Resident memory now (Linux). */
  residentBytes(): number;
  /** What the process has written so far. */
  output(): string;
  /** Resolves with the exit code when the process has ended. */
  exit(): Promise<number | null>;
  /** Sends a signal and resolves with the exit code (null when the signal ended it). */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null>;
}

export type ServerSettings = Readonly<Record<string, string>>;

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function environment(settings: ServerSettings): NodeJS.ProcessEnv {
  const { PATH, HOME } = process.env;
  return { PATH, HOME, LOG_LEVEL: 'warn', ...settings };
}

/** Starts the real server as `npm start` does, without npm. Does not wait. @param entry what is run */
export function spawnServer(settings: ServerSettings, entry = 'src/main/start.js'): ChildProcess {
  return spawn(process.execPath, [...PRELOAD, entry], {
    cwd: ROOT,
    env: environment(settings),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Starts the real server and resolves when `/readyz` answers 200. @throws with its output when it ends before */
export async function startServer(settings: ServerSettings, entry?: string): Promise<ServerProcess> {
  const httpPort = Number(settings['HTTP_PORT'] ?? (await freePort()));
  const external = settings['MQTT_PUBLIC_URL'] ?? settings['MQTT_URL'];
  const mqttPort =
    external === undefined ? Number(settings['MQTT_PORT'] ?? (await freePort())) : Number(new URL(external).port);
  const child = spawnServer(
    {
      ...settings,
      HTTP_PORT: String(httpPort),
      ...(external === undefined ? { MQTT_PORT: String(mqttPort) } : {}),
    },
    entry,
  );
  let output = '';
  child.stdout?.on('data', (chunk) => {
    output += String(chunk);
  });
  child.stderr?.on('data', (chunk) => {
    output += String(chunk);
  });
  const exited = once(child, 'exit') as Promise<[number | null]>;
  const httpUrl = `http://127.0.0.1:${httpPort}`;
  const deadline = Date.now() + READY_WITHIN_MS;
  for (;;) {
    const ready = await fetch(`${httpUrl}/readyz`).then(
      (response) => response.ok,
      () => false,
    );
    if (ready) break;
    if (child.exitCode !== null || Date.now() > deadline) {
      child.kill('SIGKILL');
      throw new Error(`the server did not become ready:\n${output}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return {
    httpUrl,
    mqttUrl: `mqtt://127.0.0.1:${mqttPort}`,
    mqttPort,
    pid: child.pid ?? 0,
    residentBytes: () =>
      Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) * 1024,
    output: () => output,
    exit: async () => (await exited)[0],
    async end(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      child.kill(signal);
      const [code] = await exited;
      return code;
    },
  };
}

/** Starts `npm run core -- …` without npm. Does not wait. */
export function coreProcess(args: readonly string[], settings: ServerSettings): ChildProcess {
  return spawn(process.execPath, [...PRELOAD, 'src/main/cli.ts', ...args], {
    cwd: ROOT,
    env: environment(settings),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Runs `npm run core -- …` without npm. @throws when it exits with another code than 0 */
export async function runCore(args: readonly string[], settings: ServerSettings): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [...PRELOAD, 'src/main/cli.ts', ...args], {
    cwd: ROOT,
    env: environment(settings),
  });
  return stdout;
}
