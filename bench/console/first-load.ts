import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { loading, openBrowser, signIn } from '../support/browser.ts';
import { type Figure, figure, type Proof, progress, readable } from '../support/report.ts';
import { median } from '../support/spread.ts';
import type { Scene } from './history.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const PASSWORD = 'input[type=password]';
const NAVIGATION = 'nav a';
const COUNTED = 'section a';
/** The processor is slowed by the browser, roughly. */
const TOLERANCE = 0.6;

interface Load {
  readonly paintedMs: number;
  readonly usableMs: number;
  readonly bytes: number;
  /** How much slower the page was than without the throttle. */
  readonly slowed: number;
}

/** The first visit, with nothing in any cache; the console and an empty page in turn. */
export async function firstLoads(
  { system, folder }: Scene,
  rounds: number,
  throttle: number,
): Promise<{ readonly figures: readonly Figure[]; readonly proofs: readonly Proof[] }> {
  await using empty = await serveEmptyPage();
  const console: Load[] = [];
  const nothing: Load[] = [];
  const again: number[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    nothing.push(await load(empty.url, throttle));
    console.push(await load(`http://127.0.0.1:${system.httpPort}/admin/`, throttle));
    again.push(await reload(system.httpPort, folder, throttle));
    progress(
      `round ${round}: sign-in ${readable(console.at(-1)?.usableMs ?? 0)} ms, empty page ` +
        `${readable(nothing.at(-1)?.usableMs ?? 0)} ms, shell ${readable(again.at(-1) ?? 0)} ms`,
    );
  }
  const slowed = [...console, ...nothing].map((each) => each.slowed);
  return {
    figures: [
      figure(
        'first load, fresh profile: first paint',
        'ms',
        console.map(({ paintedMs }) => paintedMs),
      ),
      figure(
        'first load, fresh profile: sign-in can be used',
        'ms',
        console.map(({ usableMs }) => usableMs),
        { below: 1_500 },
      ),
      figure('signed in, nothing in the cache: shell and page', 'ms', again, { below: 1_500 }),
      figure(
        'an empty page of React and Mantine',
        'ms',
        nothing.map(({ usableMs }) => usableMs),
      ),
      figure(
        'sign-in / empty page',
        '×',
        console.map(({ usableMs }, round) => usableMs / (nothing[round]?.usableMs ?? 0)),
      ),
      figure(
        'transferred until sign-in can be used',
        'kB',
        console.map(({ bytes }) => bytes / 1_000),
      ),
    ],
    proofs: [
      {
        claim: `the browser slowed the page ${readable(median(slowed))} times`,
        holds: median(slowed) > throttle * TOLERANCE,
      },
    ],
  };
}

async function load(url: string, throttle: number): Promise<Load> {
  await using opened = await openBrowser();
  const { page, session } = opened;
  const plain = await work(opened);
  await session.send('Emulation.setCPUThrottlingRate', { rate: throttle });
  await session.send('Network.enable');
  let bytes = 0;
  session.on('Network.loadingFinished', ({ encodedDataLength }) => {
    bytes += encodedDataLength;
  });
  await page.goto(url, { waitUntil: 'commit' });
  const { startedAt, paintedAt, usableAt } = await loading(page, PASSWORD);
  const loaded = bytes;
  const slowed = (await work(opened)) / plain;
  return { paintedMs: paintedAt - startedAt, usableMs: Math.max(...usableAt) - startedAt, bytes: loaded, slowed };
}

/** Somebody who is signed in already, on a machine that has thrown its cache away. @returns ms to the shell and its page */
async function reload(httpPort: number, { email, password }: Scene['folder'], throttle: number): Promise<number> {
  await using opened = await openBrowser();
  const { page, session } = opened;
  await page.goto(`http://127.0.0.1:${httpPort}/admin/`);
  await signIn(page, email, password);
  // The state of the browser without its memory: neither scripts nor compiled code.
  const state = await page.context().storageState();
  await session.detach();
  await using fresh = await openBrowser(state);
  await fresh.session.send('Emulation.setCPUThrottlingRate', { rate: throttle });
  await fresh.page.goto(`http://127.0.0.1:${httpPort}/admin/`, { waitUntil: 'commit' });
  const { startedAt, usableAt } = await loading(fresh.page, NAVIGATION, COUNTED);
  return Math.max(...usableAt) - startedAt;
}

/** How long the page's thread takes for the same work, when nothing comes between, ms. */
async function work({ page }: Awaited<ReturnType<typeof openBrowser>>): Promise<number> {
  return await page.evaluate<number>(`(() => {
    const times = [];
    while (times.length < 25) {
      const before = performance.now();
      let sum = 0;
      for (let index = 0; index < 2e6; index += 1) sum += Math.sqrt(index);
      if (sum > 0) times.push(performance.now() - before);
    }
    return Math.min(...times);
  })()`);
}

interface ServedPage extends AsyncDisposable {
  readonly url: string;
}

const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };

/** Built as the console is, and served as well as it can be: from memory, compressed beforehand. */
async function serveEmptyPage(): Promise<ServedPage> {
  const folder = mkdtempSync(join(tmpdir(), 'core-api-bench-page-'));
  await promisify(execFile)(
    process.execPath,
    [
      'node_modules/vite/bin/vite.js',
      ...['build', 'bench/yardsticks/empty-page', '--config', 'console/vite.config.ts'],
      ...['--outDir', folder, '--emptyOutDir', '--logLevel', 'error'],
    ],
    { cwd: ROOT },
  );
  const server = createServer(({ url = '/' }, response) => {
    const file = join(folder, url === '/' ? 'index.html' : url);
    if (!existsSync(file)) return response.writeHead(404).end();
    const isCompressed = existsSync(`${file}.br`);
    response.setHeader('content-type', TYPES[extname(file)] ?? 'application/octet-stream');
    if (isCompressed) response.setHeader('content-encoding', 'br');
    return response.end(readFileSync(isCompressed ? `${file}.br` : file));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
