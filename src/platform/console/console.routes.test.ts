import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { temporaryFolder } from '#test/support/folders.ts';
import { createTestApp, type TestApp, type TestRequest } from '#test/support/http.ts';
import { createConsoleRoutes } from './console.routes.ts';

const PAGE = `<meta name="core-api-base" content="" /><script src="./assets/app-1a2b.js" nonce="__NONCE__"></script>`;
const SCRIPT = 'console.log("hello");'.repeat(100);

const folder = temporaryFolder();
let app: TestApp;
let behindProxy: TestApp;

function build(): void {
  mkdirSync(join(folder.path, 'assets'), { recursive: true });
  writeFileSync(join(folder.path, 'index.html'), PAGE);
  writeFileSync(join(folder.path, 'favicon.svg'), '<svg/>');
  const script = join(folder.path, 'assets', 'app-1a2b.js');
  writeFileSync(script, SCRIPT);
  writeFileSync(`${script}.br`, brotliCompressSync(SCRIPT));
  writeFileSync(`${script}.gz`, gzipSync(SCRIPT));
}

beforeAll(async () => {
  build();
  const made = (basePath: string) =>
    createTestApp({ routes: [{ prefix: '', routes: createConsoleRoutes({ folder: folder.path, basePath }) }] });
  app = await made('');
  behindProxy = await made('/iot');
});
afterAll(async () => {
  await app.close();
  await behindProxy.close();
  folder.remove();
});

const get = (url: string, headers: Record<string, string> = {}, method: TestRequest['method'] = 'GET') =>
  app.request({ method, url, headers });
const script = (headers: Record<string, string> = {}, method: TestRequest['method'] = 'GET') =>
  get('/admin/assets/app-1a2b.js', headers, method);

describe('the page', () => {
  test.each(['/admin', '/admin/', '/admin/devices/7', '/admin/devices/7?tab=charts', '/admin/explore'])(
    'is at %s, is kept by nobody, and takes scripts and styles of its own alone',
    async (url) => {
      const { status, headers, text } = await get(url);
      expect([status, headers['content-type'], headers['cache-control']]).toEqual([
        200,
        'text/html; charset=utf-8',
        'no-store',
      ]);
      const nonce = /nonce="([^"]+)"/.exec(text)?.[1];
      expect(headers['content-security-policy']).toBe(
        `default-src 'none'; script-src 'self'; style-src 'self' 'nonce-${nonce}'; img-src 'self' data: blob:; ` +
          "font-src 'self'; connect-src 'self' ws: wss:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; " +
          "manifest-src 'self'",
      );
      expect(text).toContain('src="/admin/assets/app-1a2b.js"');
    },
  );

  test('has another nonce each time', async () => {
    const nonceOf = async () => /nonce="([^"]+)"/.exec((await get('/admin')).text)?.[1];
    const nonces = await Promise.all(Array.from({ length: 20 }, nonceOf));
    expect(new Set(nonces).size).toBe(20);
    for (const nonce of nonces) expect(Buffer.from(nonce ?? '', 'base64')).toHaveLength(16);
  });

  test('names everything by the path of the proxy in front', async () => {
    const { text } = await behindProxy.request({ url: '/admin/devices/7' });
    expect(text).toContain('src="/iot/admin/assets/app-1a2b.js"');
    expect(text).toContain('name="core-api-base" content="/iot"');
  });

  test('answers HEAD as GET, without a body', async () => {
    const { status, text, headers } = await get('/admin/devices/7', {}, 'HEAD');
    expect([status, text, headers['content-type']]).toEqual([200, '', 'text/html; charset=utf-8']);
  });
});

describe('a file by its hash', () => {
  test.each([
    ['br, gzip', 'br'],
    ['gzip, deflate, br;q=0', 'gzip'],
    ['gzip', 'gzip'],
    ['identity', undefined],
    ['', undefined],
  ])('for Accept-Encoding %j comes as %s, to be kept for good', async (accepted, encoding) => {
    const { status, headers } = await script({ 'accept-encoding': accepted });
    const size = { br: brotliCompressSync(SCRIPT), gzip: gzipSync(SCRIPT) }[encoding ?? ''] ?? SCRIPT;
    expect([status, headers['content-encoding'], Number(headers['content-length'])]).toEqual([
      200,
      encoding,
      size.length,
    ]);
    expect(headers['cache-control']).toBe('public, max-age=31536000, immutable');
    expect(headers['vary']).toMatch(/accept-encoding/i);
    expect(headers['content-type']).toMatch(/^(text|application)\/javascript; charset=utf-8$/);
    expect(headers['x-content-type-options']).toBe('nosniff');
  });

  test('is not sent again to whoever has it, in each encoding by a tag of its own', async () => {
    const tags = new Set<string>();
    for (const accepted of ['br', 'gzip', 'identity']) {
      const { etag = '' } = (await script({ 'accept-encoding': accepted })).headers;
      tags.add(etag);
      const again = await script({ 'accept-encoding': accepted, 'if-none-match': etag });
      expect([again.status, again.text]).toEqual([304, '']);
    }
    expect(tags.size).toBe(3);
  });

  test('answers HEAD as GET, without a body', async () => {
    const { status, text, headers } = await script({ 'accept-encoding': 'br' }, 'HEAD');
    expect([status, text, headers['content-encoding']]).toEqual([200, '', 'br']);
  });
});

test.each([
  '/admin/assets/gone-9f9f.js',
  '/admin/assets/gone-9f9f.css',
  '/admin/assets/../index.html',
  '/admin/assets/%2e%2e/index.html',
  '/admin/index.html',
  '/admin/favicon.ico',
  '/admin/devices/app.js',
])('%s is no page in the place of a file: 404', async (url) => {
  const { status, headers } = await get(url);
  expect([status, headers['content-type'], headers['cache-control']]).toEqual([
    404,
    'application/problem+json',
    'no-store',
  ]);
});

test.each(['/admin/assets/..%2findex.html', '/admin/assets/..%2f..%2fetc/passwd'])(
  '%s leads nowhere: 400',
  async (url) => {
    expect((await get(url)).status).toBe(400);
  },
);

test('while there is no build, the page says so and asks again; once there is one, it is there', async () => {
  rmSync(folder.path, { recursive: true });
  const waiting = await get('/admin/devices/7');
  expect([waiting.status, waiting.headers['retry-after']]).toEqual([503, '2']);
  expect(waiting.text).toContain('http-equiv="refresh"');
  expect(waiting.headers['content-security-policy']).toContain("default-src 'none'");
  expect((await script()).status).toBe(404);
  build();
  expect((await get('/admin/devices/7')).status).toBe(200);
  expect((await script()).status).toBe(200);
});
