/**
 * `npm run screenshots`: a picture of every page of the console, in both languages and themes, for desktop and phone, in
 * `screenshots/`. `-- --only devices` takes pages whose name or address holds that; `--lang ko`, `--theme dark`, `--size phone`
 * one kind of each. `--film` makes the animated picture of the README instead (`film.ts`). Needs Chromium (`CHROMIUM=/path`, otherwise Debian's).
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Browser, chromium, type Page } from 'playwright-core';
import { CONSOLE_PAGES } from '../support/console-pages.ts';
import { film } from './film.ts';
import { openScene, type Scene } from './scene.ts';

const FOLDER = join(import.meta.dirname, '../../screenshots');
const SIZES = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } } as const;
const LANGUAGES = { en: 'en-US', ko: 'ko-KR' } as const;
const THEMES = ['light', 'dark'] as const;

type Kind = {
  readonly lang: keyof typeof LANGUAGES;
  readonly theme: (typeof THEMES)[number];
  readonly size: keyof typeof SIZES;
};

const { values: wanted } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    lang: { type: 'string' },
    theme: { type: 'string' },
    size: { type: 'string' },
    film: { type: 'boolean', default: false },
  },
});

const isWanted = (kind: Kind) =>
  (wanted.lang ?? kind.lang) === kind.lang &&
  (wanted.theme ?? kind.theme) === kind.theme &&
  (wanted.size ?? kind.size) === kind.size;

const kinds = (Object.keys(LANGUAGES) as Kind['lang'][])
  .flatMap((lang) =>
    THEMES.flatMap((theme) => (Object.keys(SIZES) as Kind['size'][]).map((size) => ({ lang, theme, size }))),
  )
  .filter(isWanted);

const nameOf = (path: string) => path.replace(/^\//, '').replace(/[/?=&]+/g, '-') || 'overview';

/** What opens above a page: whose button it is, by its name in both languages. */
const DIALOGS: Readonly<Record<string, readonly [path: string, open: (page: Page) => Promise<void>]>> = {
  'dialog-register': ['/devices', (page) => press(page, /^(Register a device|디바이스 등록)/)],
  'dialog-import': ['/devices', (page) => press(page, /^(Import|가져오기)/)],
  'dialog-palette': ['/', (page) => page.keyboard.press('Control+k')],
};

const press = (page: Page, name: RegExp) => page.getByRole('button', { name }).first().click();

async function photograph(browser: Browser, scene: Scene, kind: Kind): Promise<void> {
  const folder = join(FOLDER, kind.lang, kind.theme, kind.size);
  mkdirSync(folder, { recursive: true });
  const context = await browser.newContext({
    ...{ locale: LANGUAGES[kind.lang], colorScheme: kind.theme, viewport: SIZES[kind.size] },
    ...{ reducedMotion: 'reduce', hasTouch: kind.size === 'phone' },
  });
  const page = await context.newPage();
  const take = async (name: string) => {
    await page.waitForLoadState('networkidle');
    // What is drawn on a canvas is there after the next frames.
    await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
    await page.screenshot({ path: join(folder, `${name}.png`), fullPage: kind.size === 'desktop' });
  };
  await page.goto(`${scene.url}/admin/`);
  await page.locator('input[type=email]').waitFor();
  if ('sign-in'.includes(wanted.only)) await take('sign-in');
  await page.locator('input[type=email]').fill(scene.email);
  await page.locator('input[autocomplete=current-password]').fill(scene.password);
  await page.locator('button[type=submit]').click();
  await page.locator('input[type=email]').waitFor({ state: 'detached' });
  await page.locator('h1').first().waitFor();
  const pages = { ...Object.fromEntries(CONSOLE_PAGES.map((path) => [nameOf(path), path])), ...scene.pages };
  const targets: [string, string, ((page: Page) => Promise<void>)?][] = [
    ...Object.entries(pages),
    ...Object.entries(DIALOGS).map(([name, [path, open]]): [string, string, (page: Page) => Promise<void>] => [
      name,
      path,
      open,
    ]),
  ];
  for (const [name, path, open] of targets) {
    if (!`${name} ${path}`.includes(wanted.only)) continue;
    await page.goto(`${scene.url}/admin${path}`);
    await page
      .locator('h1')
      .first()
      .waitFor({ timeout: 10_000 })
      .catch(() => {});
    await page.waitForLoadState('networkidle');
    // The rate of messages is known after its second look.
    if (name === 'overview') await page.locator('canvas').first().waitFor();
    await open?.(page);
    await take(name);
    process.stdout.write(`${join(kind.lang, kind.theme, kind.size, name)}.png\n`);
  }
  await context.close();
}

async function photographAll(browser: Browser): Promise<void> {
  await using scene = await openScene();
  for (const kind of kinds) await photograph(browser, scene, kind);
}

const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
});
await (wanted.film ? film(browser) : photographAll(browser));
await browser.close();
