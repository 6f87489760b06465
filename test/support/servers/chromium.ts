import type { TestServer } from '../servers.ts';
import { findProgram, startPrivateProcess } from './private-process.ts';

/** A browser without a window, which Playwright drives: `chromium.connectOverCDP(server.url)`. */
export async function startChromium(): Promise<TestServer | null> {
  const browser = await findProgram('chromium', 'chromium-browser', 'google-chrome');
  if (browser === null) return null;
  return await startPrivateProcess({
    name: 'chromium',
    command: ({ folder, port }) => [
      browser,
      '--headless=new',
      `--remote-debugging-port=${port}`,
      `--user-data-dir=${folder}`,
      // Tests run as root in containers, and /dev/shm is small there.
      ...[
        '--no-sandbox',
        '--disable-dev-shm-usage',
        '--disable-gpu',
        '--no-first-run',
        '--disable-background-networking',
      ],
      'about:blank',
    ],
    ready: async ({ port }) => (await fetch(`http://127.0.0.1:${port}/json/version`)).ok,
    url: ({ port }) => `http://127.0.0.1:${port}`,
  });
}
