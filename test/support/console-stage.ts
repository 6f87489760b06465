import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';
import { type ApiClient, type RegisteredDevice, signInAsSuperuser } from './api-client.ts';
import { type ConsoleBrowser, consoleIn } from './console.ts';
import { temporaryFolder } from './folders.ts';
import { freePort, type ServerProcess, type ServerSettings, startServer } from './server-process.ts';

const run = promisify(execFile);

/** A real server with an administrator, and browsers that look at its console. */
export interface ConsoleStage {
  server(): ServerProcess;
  /** The administrator. */
  api(): ApiClient;
  /** Browsers that are not signed in yet. */
  consoles(): ConsoleBrowser;
  /** A browser of its own, signed in, at a path below `/admin`. */
  open(path?: string, options?: OpenOptions): Promise<{ readonly page: Page; readonly faults: string[] }>;
  /** Goes to a page of the console, and waits until it is there. */
  visit(page: Page, path: string): Promise<void>;
  /** Sends as a device does, and resolves when it is stored. */
  publish(device: Pick<RegisteredDevice, 'uid' | 'secret'>, channel: string, payload: unknown): Promise<void>;
  /** Ends the server as a crash does; `start` brings it back, on the same ports and data. */
  kill(): Promise<void>;
  start(): Promise<void>;
}

export interface OpenOptions extends BrowserContextOptions {
  readonly as?: { readonly email: string; readonly password: string };
  /** Where browsers reach the server; absent: directly. */
  readonly at?: string;
}

/**
 * Set up before the tests of the surrounding `describe`, and taken down after them.
 * @param url of the browser
 * @param options `isNew`: nobody has an account yet, so that there is no `api`
 */
export function consoleStage(
  url: string,
  settings: ServerSettings = {},
  { isNew = false }: { readonly isNew?: boolean } = {},
): ConsoleStage {
  const folder = temporaryFolder();
  let all: ServerSettings;
  let server: ServerProcess;
  let api: ApiClient;
  let browser: Browser;
  let consoles: ConsoleBrowser;
  const elsewhere: ConsoleBrowser[] = [];

  beforeAll(async () => {
    all = {
      DATA_DIR: folder.path,
      HTTP_PORT: String(await freePort()),
      MQTT_PORT: String(await freePort()),
      ...settings,
    };
    server = await startServer(all);
    if (!isNew) api = await signInAsSuperuser(server, all);
    browser = await chromium.connectOverCDP(url);
    consoles = consoleIn(browser, () => server.httpUrl);
  });
  afterAll(async () => {
    for (const each of [...elsewhere, consoles]) await each?.close();
    await browser?.close();
    await server?.end('SIGKILL');
    folder.remove();
  });

  return {
    server: () => server,
    api: () => api,
    consoles: () => consoles,
    async open(path = '/', { as, at, ...options } = {}) {
      const there = at === undefined ? consoles : consoleIn(browser, () => at);
      if (there !== consoles) elsewhere.push(there);
      const opened = await there.open(options);
      await there.signIn(opened.page, path, as);
      await opened.page.locator('h1').first().waitFor();
      await opened.page.waitForLoadState('networkidle');
      return opened;
    },
    visit: (page, path) => consoles.visit(page, path),
    async publish({ uid, secret }, channel, payload) {
      await run('mosquitto_pub', [
        ...['-p', String(server.mqttPort), '-u', uid, '-P', secret],
        ...['-q', '1', '-t', `devices/${uid}/${channel}`, '-m', JSON.stringify(payload)],
      ]);
    },
    async kill() {
      await server.end('SIGKILL');
    },
    async start() {
      server = await startServer(all);
    },
  };
}
