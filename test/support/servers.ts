import { appendFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, test } from 'vitest';

export type ServerName = 'mariadb' | 'mongodb' | 'redis' | 'mosquitto' | 'chromium';

/** A real server that tests talk to. */
export interface TestServer {
  readonly url: string;
  /** Ends the server and removes its data. Of a server that was here before the tests: does nothing. */
  stop(): Promise<void>;
  /** Ends the server in order and starts it again, on the same port and data. */
  restart(): Promise<void>;
  /** SIGKILL; `restart` brings it back. @param lost a file of its data folder, which is gone then */
  kill(lost?: string): Promise<void>;
}

export interface ServerOptions {
  /** The server is started for this test alone, whatever the environment says: it may be killed. */
  readonly own?: boolean;
}

/**
 * What `servers/<name>.ts` exports as `start<Name>`, such as `startMariadb`. Null: its program is not on
 * this machine. A program that is here and does not start is an error.
 */
export type ServerStarter = () => Promise<TestServer | null>;

const ADDRESS_IN: Readonly<Record<ServerName, string>> = {
  mariadb: 'TEST_MARIADB_URL',
  mongodb: 'TEST_MONGODB_URL',
  redis: 'TEST_REDIS_URL',
  mosquitto: 'TEST_MOSQUITTO',
  chromium: 'TEST_CHROMIUM_URL',
};

/**
 * The server at the address in the environment, else one started privately on this machine, else null.
 * Every call that starts one starts another; the caller stops it. If the caller's process dies, so does the
 * server (see `servers/private-process.ts`).
 */
export async function serverFor(name: ServerName, { own = false }: ServerOptions = {}): Promise<TestServer | null> {
  const url = process.env[ADDRESS_IN[name]];
  if (url !== undefined && url !== '' && !own) return serverAt(name, url);
  const starter = join(import.meta.dirname, 'servers', `${name}.ts`);
  if (!existsSync(starter)) return null;
  const loaded = (await import(starter)) as Readonly<Record<string, ServerStarter | undefined>>;
  const start = loaded[`start${name.charAt(0).toUpperCase()}${name.slice(1)}`];
  if (start === undefined) throw new Error(`${starter} exports no starter`);
  return await start();
}

function serverAt(name: ServerName, url: string): TestServer {
  const notOurs = async () => {
    throw new Error(`${name} at ${ADDRESS_IN[name]} is not ours to end; ask for a server of the test's own`);
  };
  return { url, stop: async () => {}, restart: notOurs, kill: notOurs };
}

/**
 * `describe` with a real server, which runs already when `suite` is called and ends after it:
 * `await describeWithServer('redis', (server) => { test(…) })` at the top of a test file.
 *
 * Without the server: on a developer's machine the suite is skipped and its name goes to the summary of
 * `npm test`; with CI=true it fails.
 */
export async function describeWithServer(
  name: ServerName,
  suite: (server: TestServer) => void,
  options?: ServerOptions,
): Promise<void> {
  await describeWithServers([name], (servers) => suite(servers[name]), options);
}

/** `describeWithServer` with several at once. */
export async function describeWithServers<Name extends ServerName>(
  names: readonly Name[],
  suite: (servers: Readonly<Record<Name, TestServer>>) => void,
  options?: ServerOptions,
): Promise<void> {
  const title = `with ${names.join(', ')}`;
  const servers = await Promise.all(names.map((name) => serverFor(name, options)));
  const missing = names.filter((_, index) => servers[index] === null);
  if (missing.length === 0) {
    const running = Object.fromEntries(names.map((name, index) => [name, servers[index]])) as Record<Name, TestServer>;
    describe(title, () => {
      afterAll(async () => {
        await Promise.all(names.map((name) => running[name].stop()));
      });
      suite(running);
    });
    return;
  }
  await Promise.all(servers.map((server) => server?.stop()));
  const what = `${missing.join(', ')} not here: set ${missing.map((name) => ADDRESS_IN[name]).join(', ')}, or npm run services:install`;
  leaveOut(title, missing, what);
}

/** A suite that lacks something of this machine: named in the summary of `npm test`; with CI=true it fails. */
export function leaveOut(title: string, missing: readonly string[], what: string): void {
  if (process.env['CI'] === 'true') {
    test(title, () => {
      throw new Error(what);
    });
    return;
  }
  const list = process.env['SKIPPED_ADAPTERS_FILE'];
  if (list !== undefined) for (const name of missing) appendFileSync(list, `${name}\n`);
  test.skip(`${title} (${what})`, () => {});
}
