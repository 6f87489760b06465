/**
 * `npm run screenshots -- --film`: the first five minutes with the console in one animated picture for each language,
 * `docs/images/first-minutes.webp` and `.ko.webp`. Needs `img2webp` (Debian's package `webp`) besides Chromium.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Browser, Locator, Page } from 'playwright-core';
import { freePort, startServer } from '../support/server-process.ts';

const run = promisify(execFile);
const IMAGES = join(import.meta.dirname, '../../docs/images');
const SIZE = { width: 1200, height: 750 };

/** How long a picture stays, in milliseconds. */
const GLANCE = 350;
const LOOK = 1_500;
const READ = 2_500;

const LABELS = {
  en: {
    locale: 'en-US',
    file: 'first-minutes.webp',
    code: 'Code of the server',
    name: 'Name',
    email: 'E-mail',
    password: 'Password',
    setup: 'Create the administrator',
    register: 'Register a device',
    type: 'Type',
    received: 'Received ✓',
    snippet: 'Snippet: mosquitto_pub',
    rule: 'Make an alert rule of this',
    threshold: 'Threshold',
    save: 'Save',
    judges: 'The rule judges from now on.',
    alerts: 'Alerts',
    person: 'Ada Kim',
    device: 'Greenhouse 7',
    warm: 'Too warm',
  },
  ko: {
    locale: 'ko-KR',
    file: 'first-minutes.ko.webp',
    code: '서버가 출력한 코드',
    name: '이름',
    email: '이메일',
    password: '비밀번호',
    setup: '관리자 만들기',
    register: '디바이스 등록',
    type: '종류',
    received: '수신했습니다 ✓',
    snippet: '예제: mosquitto_pub',
    rule: '이 지표로 경보 규칙 만들기',
    threshold: '임계값',
    save: '저장',
    judges: '이제부터 이 규칙으로 판정합니다.',
    alerts: '경보',
    person: '김아다',
    device: '온실 7호',
    warm: '너무 더움',
  },
} as const;
type Labels = (typeof LABELS)[keyof typeof LABELS];

export async function film(browser: Browser): Promise<void> {
  for (const labels of Object.values(LABELS)) await filmIn(browser, labels);
}

async function filmIn(browser: Browser, labels: Labels): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'core-api-film-'));
  const server = await startServer({
    ...{ DATA_DIR: join(folder, 'data'), HTTP_PORT: String(await freePort()), MQTT_PORT: String(await freePort()) },
  });
  const context = await browser.newContext({ locale: labels.locale, viewport: SIZE, colorScheme: 'light' });
  try {
    const page = await context.newPage();
    const frames = reelOf(page, folder);
    const code = /with the code ([A-Z0-9-]+)/.exec(server.output())?.[1] ?? '';
    await page.goto(`${server.httpUrl}/admin`);
    await play(page, labels, code, frames);
    await frames.develop(join(IMAGES, labels.file));
  } finally {
    await context.close();
    await server.end('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Reel {
  /** Shows the page as it is now for so long. */
  take(duration: number): Promise<void>;
  develop(file: string): Promise<void>;
}

function reelOf(page: Page, folder: string): Reel {
  const frames: string[] = [];
  return {
    async take(duration) {
      const path = join(folder, `${String(frames.length / 3).padStart(3, '0')}.png`);
      await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
      await page.screenshot({ path, caret: 'initial' });
      frames.push('-d', String(duration), path);
    },
    async develop(file) {
      await run('img2webp', ['-loop', '0', '-lossy', '-q', '60', '-m', '6', '-mixed', ...frames, '-o', file]);
      process.stdout.write(`${file}: ${frames.length / 3} pictures, ${statSync(file).size} bytes\n`);
    },
  };
}

async function play(page: Page, labels: Labels, code: string, { take }: Reel): Promise<void> {
  const write = async (field: Locator, text: string) => {
    await field.fill(text);
    await take(GLANCE);
  };
  const go = async (path: string) => {
    await page.locator(`nav a[href="/admin${path}"]`).click();
    await page.waitForLoadState('networkidle');
  };

  await page.getByLabel(labels.code).waitFor();
  await take(LOOK);
  await write(page.getByLabel(labels.code), code);
  await write(page.getByLabel(labels.name), labels.person);
  await write(page.getByLabel(labels.email), 'ada@example.com');
  await write(page.getByRole('textbox', { name: labels.password }), 'correct horse battery');
  await page.getByRole('button', { name: labels.setup }).click();
  await page.getByRole('navigation').waitFor();
  await page.waitForLoadState('networkidle');
  await take(READ);

  await page.getByRole('button', { name: labels.register }).first().click();
  const form = page.getByRole('dialog');
  await form.getByLabel(labels.name).waitFor();
  await take(LOOK / 2);
  await write(form.getByLabel(labels.name), labels.device);
  await write(form.getByLabel('UID'), 'greenhouse-07');
  await write(form.getByLabel(labels.type), 'thermometer');
  await form.getByRole('button', { name: labels.register }).click();
  // A notice stays for as long as the mouse is over it.
  await page.mouse.move(SIZE.width / 2, 1);
  await page.getByRole('heading', { name: labels.device, level: 1 }).waitFor();
  const snippet = (await page.getByRole('region', { name: labels.snippet }).textContent()) ?? '';
  await take(READ);

  const send = (temperature: number) => run('sh', ['-c', snippet.replace('21.4', String(temperature))]);
  await send(21.4);
  await page.getByRole('status').getByText(labels.received).waitFor();
  await take(READ);
  const chart = page.locator('.uplot').first();
  await chart.scrollIntoViewIfNeeded();
  for (let index = 1; index <= 18; index += 1) {
    await send(Math.round(10 * (21.4 + 2 * Math.sin(index / 3) + index / 8)) / 10);
    await page.waitForTimeout(700);
    await take(GLANCE);
  }

  await page.locator('[data-tab=charts]').click();
  await page.locator('.uplot').first().waitFor();
  await page.waitForLoadState('networkidle');
  await take(LOOK);
  await page.getByRole('link', { name: labels.rule }).click();
  await page.getByRole('textbox', { name: labels.threshold, exact: true }).waitFor();
  await page.waitForLoadState('networkidle');
  await take(LOOK);
  await write(page.getByRole('textbox', { name: labels.threshold, exact: true }), '25');
  await write(page.getByLabel(labels.name).first(), labels.warm);
  await page.waitForLoadState('networkidle');
  await page.waitForTimeout(800);
  await take(LOOK);
  await page.locator('.uplot').first().scrollIntoViewIfNeeded();
  await take(READ);
  await page.getByRole('button', { name: labels.save, exact: true }).click();
  await page.getByText(labels.judges).first().waitFor();
  await page.waitForLoadState('networkidle');
  await take(LOOK);

  await go('/alerts');
  await take(GLANCE);
  await send(29.4);
  await page.locator('main tbody tr').first().waitFor();
  await take(READ);
  await page.locator('main').getByText(/29\.4/).first().click();
  await page.getByRole('dialog').locator('.uplot').waitFor();
  await page.waitForLoadState('networkidle');
  await page.waitForTimeout(1_500);
  await take(2 * READ);
}
