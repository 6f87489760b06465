import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { type ApiClient, signInAsSuperuser } from '../support/api-client.ts';
import { temporaryFolder } from '../support/folders.ts';
import { type ServerProcess, type ServerSettings, startServer } from '../support/server-process.ts';

/** What the rest of the world notices of an attack: how long others wait, and how much memory it costs. */
export interface Strain {
  /** Slowest `/livez` during the attack, in ms. */
  readonly slowestMs: number;
  /**
   * What an answer takes without the attack's effect on the server: the slowest `/livez` in the quiet second before, or
   * the slowest of a bystander meanwhile, in ms; never below `QUIET_FLOOR_MS`. The attackers run on the same cores, and
   * so does whatever else the machine does: that slows down the bystander alike.
   */
  readonly quietMs: number;
  /** Highest resident memory during the attack, less that before it. */
  readonly grownBytes: number;
}

export interface AttackedServer {
  readonly server: ServerProcess;
  readonly api: ApiClient;
  /** Runs `attack` while another client asks `/livez` again and again. */
  strainOf(attack: () => Promise<unknown>): Promise<Strain>;
  stop(): Promise<void>;
}

/** One slow answer among quiet ones says more about the machine than about the server. */
const QUIET_FLOOR_MS = 20;
/** Beyond that it would excuse the waits that were found: those attacks slow down the process that runs them, too. */
const BESIDE_AT_MOST_MS = 60;
const QUIET_FOR_MS = 1_000;
const PAUSE_MS = 10;

const BYSTANDER = `require('node:http')
  .createServer((_, response) => response.end())
  .listen(0, '127.0.0.1', function () { process.stdout.write(String(this.address().port)) });
process.stdin.resume().on('end', () => process.exit());`;

/** A bare HTTP server in a process of its own, which nobody attacks; it ends with this process. */
async function startBystander(): Promise<{ readonly url: string; stop(): void }> {
  const child = spawn(process.execPath, ['-e', BYSTANDER], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [port] = await once(child.stdout, 'data');
  return { url: `http://127.0.0.1:${String(port)}/`, stop: () => void child.kill('SIGKILL') };
}

/** The real server on a data folder of its own, with a superuser who is signed in. */
export async function startAttackedServer(settings: ServerSettings = {}): Promise<AttackedServer> {
  const folder = temporaryFolder();
  const env = { DATA_DIR: folder.path, ...settings };
  const server = await startServer(env);
  const api = await signInAsSuperuser(server, env);

  const bystander = await startBystander();

  async function slowest(url: string, until: AbortSignal, look: () => void = () => {}): Promise<number> {
    let slowestMs = 0;
    while (!until.aborted) {
      const askedAt = performance.now();
      const response = await fetch(url);
      await response.arrayBuffer();
      if (response.status !== 200) throw new Error(`${url} answered ${response.status}`);
      slowestMs = Math.max(slowestMs, performance.now() - askedAt);
      look();
      await delay(PAUSE_MS);
    }
    return slowestMs;
  }

  async function watch(until: AbortSignal) {
    let highestBytes = server.residentBytes();
    const [slowestMs, besideMs] = await Promise.all([
      slowest(`${server.httpUrl}/livez`, until, () => {
        highestBytes = Math.max(highestBytes, server.residentBytes());
      }),
      slowest(bystander.url, until),
    ]);
    return { slowestMs, besideMs, highestBytes };
  }

  return {
    server,
    api,
    async strainOf(attack) {
      const quiet = await watch(AbortSignal.timeout(QUIET_FOR_MS));
      const before = server.residentBytes();
      const attacked = new AbortController();
      const watching = watch(attacked.signal);
      try {
        // A server that dies fails the watch before the attack ends.
        await Promise.race([attack(), watching]);
      } finally {
        attacked.abort();
      }
      const { slowestMs, besideMs, highestBytes } = await watching;
      const quietMs = Math.max(quiet.slowestMs, Math.min(besideMs, BESIDE_AT_MOST_MS), QUIET_FLOOR_MS);
      return { slowestMs, quietMs, grownBytes: highestBytes - before };
    },
    async stop() {
      bystander.stop();
      await server.end('SIGTERM');
      folder.remove();
    },
  };
}
