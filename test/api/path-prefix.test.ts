import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type PathProxy, startPathProxy } from '#test/support/path-proxy.ts';
import { createPeople, type People } from '#test/support/people.ts';
import { type RunningSystem, startTestSystem } from '#test/support/system.ts';

/* Behind a proxy that serves the system at a path of its host, everything that a page names is there. */

let proxy: PathProxy;
let system: RunningSystem;
let people: People;
beforeAll(async () => {
  proxy = await startPathProxy('/iot');
  system = await startTestSystem({ PUBLIC_URL: proxy.url });
  proxy.leadTo(system.system.http.port());
  people = await createPeople(system);
});
afterAll(async () => {
  await system.stop();
  await proxy.close();
});

/** As a browser: relative to the page, unless it says what it is relative to. */
async function namedBy(page: Response): Promise<readonly string[]> {
  const html = await page.text();
  const base = new URL(/<base href=["']?([^"' >]+)/.exec(html)?.[1] ?? '', page.url);
  return [...html.matchAll(/(?:src|href|spec-url|action)=["']?([^"' >]+)/g)]
    .map(([, address = '']) => new URL(address, base).href)
    .filter((address) => !address.startsWith('data:'));
}

describe.each(['/docs', '/docs/', '/redoc', '/admin', '/admin/devices/7'])('%s', (path) => {
  test('finds every file that it names', async () => {
    const page = await fetch(`${proxy.url}${path}`);
    expect(page.status).toBe(200);
    const named = await namedBy(page);
    expect(named.length).toBeGreaterThan(1);
    const answers = await Promise.all(named.map(async (address) => [address, (await fetch(address)).status]));
    expect(Object.fromEntries(answers)).toEqual(Object.fromEntries(named.map((address) => [address, 200])));
  });
});

test('the documents say where the API is', async () => {
  // As the page of /docs finds its own.
  for (const address of [`${proxy.url}/openapi.json`, `${proxy.url}/docs/json`]) {
    const document = (await (await fetch(address)).json()) as { servers: unknown };
    expect(document.servers).toEqual([{ url: proxy.url }]);
  }
  expect((await fetch(`${proxy.url}/api/v1/system/health`)).status).toBe(200);
});

test('the root leads to the documents', async () => {
  const root = await fetch(`${proxy.url}/`);
  expect([root.status, root.url]).toEqual([200, `${proxy.url}/docs`]);
});

test('somebody signs in at /jobs and sees the board', async () => {
  const asked = await fetch(`${proxy.url}/jobs`, { headers: { accept: 'text/html' } });
  expect(asked.url).toBe(`${proxy.url}/jobs/login`);
  const [action = ''] = await namedBy(asked);
  const { email, password } = people.ADMIN;
  const signedIn = await fetch(action, {
    method: 'POST',
    body: new URLSearchParams({ email, password }),
    redirect: 'manual',
  });
  expect(signedIn.headers.get('location')).toBe('/iot/jobs');
  const [cookie = '', ...attributes] = (signedIn.headers.get('set-cookie') ?? '').split('; ');
  expect(attributes).toContain('Path=/iot/jobs');
  const headers = { cookie };
  const board = await fetch(`${proxy.url}/jobs`, { headers });
  const named = (await namedBy(board)).filter((address) => /\.(js|css)$/.test(address));
  expect(named.length).toBeGreaterThan(1);
  for (const address of [...named, `${proxy.url}/jobs/api/queues`]) {
    expect((await fetch(address, { headers })).status, address).toBe(200);
  }
});
