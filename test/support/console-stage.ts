import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';
import { type ApiClient, signInAsSuperuser } from './api-client.ts';
import { temporaryFolder } from './folders.ts';
import { freePort, type ServerProcess, type ServerSettings, startServer } from './server-process.ts';

const CONSOLE_ADMIN = { email: 'admin@example.com', password: 'correct horse battery' };

export interface OpenedConsole {
  readonly page: Page;
  /** What the browser said on its console, and what no part of the console has caught. */
  readonly faults: string[];
}

/** A real server with an administrator, and browsers that look at its console. */
export interface ConsoleStage {
  server(): ServerProcess;
  api(): ApiClient;
  /** A browser of its own, signed in, at a path below `/admin`. */
  open(path?: string, options?: OpenOptions): Promise<OpenedConsole>;
  /** Ends the server as a crash does; `start` brings it back, on the same ports and data. */
  kill(): Promise<void>;
  start(): Promise<void>;
}

export interface OpenOptions extends BrowserContextOptions {
  readonly as?: { readonly email: string; readonly password: string };
  /** Where browsers reach the server; absent: directly. */
  readonly at?: string;
}

/** Set up before the tests of the surrounding `describe`, and taken down after them. @param url of the browser */
export function consoleStage(url: string, settings: ServerSettings = {}): ConsoleStage {
  const folder = temporaryFolder();
  const contexts: BrowserContext[] = [];
  let all: ServerSettings;
  let server: ServerProcess;
  let api: ApiClient;
  let browser: Browser;

  beforeAll(async () => {
    all = {
      DATA_DIR: folder.path,
      HTTP_PORT: String(await freePort()),
      MQTT_PORT: String(await freePort()),
      ...settings,
    };
    server = await startServer(all);
    api = await signInAsSuperuser(server, all);
    browser = await chromium.connectOverCDP(url);
  });
  afterAll(async () => {
    for (const context of contexts) await context.close();
    await browser?.close();
    await server?.end('SIGKILL');
    folder.remove();
  });

  return {
    server: () => server,
    api: () => api,
    async open(path = '/', { as = CONSOLE_ADMIN, at = server.httpUrl, ...options } = {}) {
      const context = await browser.newContext({ locale: 'en-US', ...options });
      contexts.push(context);
      const page = await context.newPage();
      const faults: string[] = [];
      page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type())) faults.push(message.text());
      });
      page.on('pageerror', (error) => faults.push(error.message));
      await page.goto(`${at}/admin${path}`);
      await page.locator('input[type=email]').fill(as.email);
      await page.locator('input[autocomplete=current-password]').fill(as.password);
      await page.locator('button[type=submit]').click();
      await page.locator('h1').first().waitFor();
      await page.waitForLoadState('networkidle');
      return { page, faults };
    },
    async kill() {
      await server.end('SIGKILL');
    },
    async start() {
      server = await startServer(all);
    },
  };
}
