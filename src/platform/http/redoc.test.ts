import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestApp, type TestApp } from '#test/support/http.ts';

let app: TestApp;
beforeAll(async () => {
  app = await createTestApp({ routes: [], server: { rateLimit: { max: 1, windowMs: 60_000 } } });
});
afterAll(() => app.close());

describe('/redoc', () => {
  test('loads nothing from elsewhere, and may not', async () => {
    const page = await app.request({ url: '/redoc' });
    expect(page.status).toBe(200);
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    const policy = page.headers['content-security-policy'] ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/https?:|unsafe-eval|\*/);
    const addresses = [...page.text.matchAll(/(?:src|href|spec-url)="([^"]*)"/g)].map(([, address]) => address);
    expect(addresses).toEqual(['data:,', '/openapi.json', '/redoc/redoc.standalone.js']);
  });

  test('serves the bundle that was looked at, kept by browsers', async () => {
    const bundle = await app.request({ url: '/redoc/redoc.standalone.js' });
    expect(bundle.status).toBe(200);
    expect(bundle.headers['content-type']).toBe('text/javascript; charset=utf-8');
    const vendored = readFileSync(join(import.meta.dirname, '../../../vendor/redoc/redoc.standalone.js'), 'utf8');
    // But for the logo of its makers, which it would ask another host for.
    expect(bundle.text).toBe(vendored.replace('https://cdn.redoc.ly/redoc/logo-mini.svg', 'data:,'));
    const checksum = createHash('sha256').update(vendored).digest('hex');
    expect(checksum).toBe('dcaf76612bc4a3fbcc923a8966dee2f6146a5f32e5ce1b6f02dd60cbbf89500b');
    const headers = { 'if-none-match': bundle.headers['etag'] ?? '' };
    expect((await app.request({ url: '/redoc/redoc.standalone.js', headers })).status).toBe(304);
  });

  test('comes with its licence', () => {
    expect(readFileSync(join(import.meta.dirname, '../../../vendor/redoc/LICENSE'), 'utf8')).toContain(
      'The MIT License',
    );
  });

  test('is not limited', async () => {
    for (let count = 0; count < 3; count += 1) expect((await app.request({ url: '/redoc' })).status).toBe(200);
  });
});

test('/docs may load nothing from elsewhere either', async () => {
  const page = await app.request({ url: '/docs/static/swagger-initializer.js' });
  expect(page.headers['content-security-policy']).toContain("default-src 'none'");
});
