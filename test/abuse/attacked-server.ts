import { setTimeout as delay } from 'node:timers/promises';
import { type ApiClient, signInAsSuperuser } from '../support/api-client.ts';
import { temporaryFolder } from '../support/folders.ts';
import { type ServerProcess, type ServerSettings, startServer } from '../support/server-process.ts';

/** What the rest of the world notices of an attack: how long others wait, and how much memory it costs. */
export interface Strain {
  /** Slowest `/livez` during the attack, in ms. */
  readonly slowestMs: number;
  /** Slowest `/livez` in the quiet second before, in ms; never below `QUIET_FLOOR_MS`. */
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
const QUIET_FOR_MS = 1_000;
const PAUSE_MS = 10;

/** The real server on a data folder of its own, with a superuser who is signed in. */
export async function startAttackedServer(settings: ServerSettings = {}): Promise<AttackedServer> {
  const folder = temporaryFolder();
  const env = { DATA_DIR: folder.path, ...settings };
  const server = await startServer(env);
  const api = await signInAsSuperuser(server, env);

  async function watch(until: AbortSignal): Promise<{ slowestMs: number; highestBytes: number }> {
    let [slowestMs, highestBytes] = [0, server.residentBytes()];
    while (!until.aborted) {
      const askedAt = performance.now();
      const response = await fetch(`${server.httpUrl}/livez`);
      await response.arrayBuffer();
      if (response.status !== 200) throw new Error(`/livez answered ${response.status}`);
      slowestMs = Math.max(slowestMs, performance.now() - askedAt);
      highestBytes = Math.max(highestBytes, server.residentBytes());
      await delay(PAUSE_MS);
    }
    return { slowestMs, highestBytes };
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
      const { slowestMs, highestBytes } = await watching;
      return { slowestMs, quietMs: Math.max(quiet.slowestMs, QUIET_FLOOR_MS), grownBytes: highestBytes - before };
    },
    async stop() {
      await server.end('SIGTERM');
      folder.remove();
    },
  };
}
