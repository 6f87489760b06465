import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, type BrowserContext, type CDPSession, chromium, type Page } from 'playwright-core';

/** A browser with a profile of its own, and one page in it. */
export interface OpenedBrowser extends AsyncDisposable {
  readonly browser: Browser;
  readonly page: Page;
  readonly session: CDPSession;
}

export interface LongTask {
  /** When it began, epoch ms. */
  readonly at: number;
  readonly duration: number;
}

/** See page-probe.js. */
export interface Gesture {
  readonly ms: number;
  readonly firstMs: number;
  readonly serverMs: number;
  readonly requests: number;
}

export interface Loading {
  /** Beginning of the navigation, epoch ms. */
  readonly startedAt: number;
  readonly paintedAt: number;
  readonly usableAt: readonly number[];
}

type BrowserState = Awaited<ReturnType<BrowserContext['storageState']>>;

const PROGRAMS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const PROBE = join(import.meta.dirname, 'page-probe.js');
const VIEWPORT = { width: 1_400, height: 1_000 };

/** @param state who is signed in, from another browser. @throws when there is no Chromium on this machine */
export async function openBrowser(state?: BrowserState): Promise<OpenedBrowser> {
  const executablePath = PROGRAMS.find(existsSync);
  if (executablePath === undefined) throw new Error('there is no Chromium: npm run services:install');
  const browser = await chromium.launch({
    executablePath,
    // Root in a container, with a small /dev/shm.
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', '--disable-background-networking'],
  });
  const context = await browser.newContext({
    locale: 'en-US',
    viewport: VIEWPORT,
    ...(state === undefined ? {} : { storageState: state }),
  });
  await context.addInitScript({ path: PROBE });
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  return { browser, page, session, [Symbol.asyncDispose]: () => browser.close() };
}

/** Of this page, since it was last asked. */
export const longTasks = (page: Page): Promise<LongTask[]> => page.evaluate('benchProbe.longTasks()');

/** Waits until each of the elements can be used. @returns when that was */
export const loading = (page: Page, ...selectors: readonly string[]): Promise<Loading> =>
  page.evaluate(`benchProbe.waitFor(${JSON.stringify(selectors)})`);

/** Does `act`, which ends in `event`, and tells how long its consequence took to be shown. */
export async function gesture(page: Page, event: 'mouseup' | 'dblclick', act: () => Promise<void>): Promise<Gesture> {
  const shown = page.evaluate<Gesture>(`benchProbe.gesture('${event}', ${QUIET_MS})`);
  await act();
  return await shown;
}

const QUIET_MS = 400;

export async function signIn(page: Page, email: string, password: string): Promise<void> {
  await page.locator('input[type=email]').fill(email);
  await page.locator('input[autocomplete=current-password]').fill(password);
  await page.locator('button[type=submit]').click();
  await page.getByRole('navigation').waitFor();
}
