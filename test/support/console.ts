import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';

const ADMIN = { email: 'admin@example.com', password: 'correct horse battery' };

export interface ConsoleBrowser {
  /** A browser of its own. `faults`: what it said on its console, and requests to other hosts. */
  open(options?: BrowserContextOptions): Promise<{ readonly page: Page; readonly faults: string[] }>;
  /** Signs in, by default as `signInAsSuperuser` does. */
  signIn(page: Page, path?: string, as?: { readonly email: string; readonly password: string }): Promise<void>;
  /** Goes to a page of the console, and waits until it is there. */
  visit(page: Page, path: string): Promise<void>;
  close(): Promise<void>;
}

/** The console of a server in a browser. @param httpUrl of the server, which may change when it starts again */
export function consoleIn(browser: Browser, httpUrl: () => string): ConsoleBrowser {
  const contexts: BrowserContext[] = [];
  const addressOf = (path: string) => `${httpUrl()}/admin${path}`;
  return {
    async open(options = {}) {
      const context = await browser.newContext({ locale: 'en-US', ...options });
      contexts.push(context);
      const page = await context.newPage();
      const faults: string[] = [];
      page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type())) faults.push(message.text());
      });
      page.on('pageerror', (error) => faults.push(error.message));
      page.on('request', (request) => {
        if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(httpUrl())) faults.push(request.url());
      });
      return { page, faults };
    },
    async signIn(page, path = '/', { email, password } = ADMIN) {
      await page.goto(addressOf(path));
      await page.locator('input[type=email]').fill(email);
      await page.locator('input[autocomplete=current-password]').fill(password);
      await page.locator('button[type=submit]').click();
      await page.getByRole('navigation').waitFor();
    },
    async visit(page, path) {
      await page.goto(addressOf(path));
      await page.locator('h1').first().waitFor();
      await page.waitForLoadState('networkidle');
    },
    async close() {
      for (const context of contexts) await context.close();
    },
  };
}
