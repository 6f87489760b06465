import { createHash } from 'node:crypto';
import { Type } from 'typebox';
import { afterEach, describe, expect, test } from 'vitest';
import { createTestApp, PRINCIPALS, type TestApp, type TestAppOptions } from '#test/support/http.ts';
import { parseAnswer, rawClient } from '#test/support/raw-http.ts';
import { type HttpMount, originOf } from './http.port.ts';
import { PageOf, Strict } from './http.schemas.ts';
import { createHttpServer, type HttpServerOptions } from './http.server.ts';

const summary = { summary: 'x', description: 'x', tags: ['test'] };
const page = (items: readonly object[]) => ({
  items: items as never,
  total: items.length,
  page: 1,
  size: 20,
  pages: 1,
});
let items: object[] = [];
const routes: HttpMount = {
  prefix: '/t',
  routes(app) {
    const config = { access: 'public' } as const;
    app.get('/me', { config: { access: 'bearer' }, schema: { ...summary, response: { 200: Strict({}) } } }, () => ({}));
    app.get('/ip', { config, schema: { ...summary, response: { 200: Type.Unknown() } } }, (request) =>
      originOf(request),
    );
    app.get('/away', { config, schema: { hide: true } }, async (_, reply) => reply.redirect('https://else.example/'));
    app.get('/near', { config, schema: { hide: true } }, async (_, reply) => reply.redirect('/t/me'));
    app.get('/list', { config, schema: { ...summary, response: { 200: PageOf(Strict({ n: Type.Integer() })) } } }, () =>
      page(items),
    );
  },
};

let current: TestApp | undefined;
async function start(options: Partial<TestAppOptions> = {}): Promise<TestApp> {
  current = await createTestApp({ routes: [routes], ...options });
  return current;
}
afterEach(async () => {
  await current?.close();
  [current, items] = [undefined, []];
});

const ALWAYS = {
  'x-request-id': expect.any(String),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'permissions-policy': expect.stringContaining('camera=()'),
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
};

describe('headers of every answer', () => {
  const origin = 'https://a.example';
  test.each([
    ['GET', '/t/me', 401],
    ['GET', '/t/list', 200],
    ['GET', '/nowhere', 404],
    ['DELETE', '/t/me', 405],
    ['GET', '/t/%zz', 400],
    ['GET', '/t/%', 400],
  ] as const)('%s %s (%i)', async (method, url, status) => {
    const app = await start({ server: { corsOrigins: [origin] } });
    const answer = await app.request({ method, url, headers: { origin } });
    expect(answer.status).toBe(status);
    expect(answer.headers).toMatchObject({ ...ALWAYS, 'access-control-allow-origin': origin });
    expect(answer.headers['access-control-expose-headers']).toContain('X-Request-ID');
    expect(answer.headers['strict-transport-security']).toBeUndefined();
  });

  test('by TLS they bind browsers to it, whoever ends it', async () => {
    const sts = async (server: Partial<HttpServerOptions>, headers = {}) => {
      const app = await start({ server });
      const { headers: answered } = await app.request({ url: '/nowhere', headers });
      await app.close();
      return answered['strict-transport-security'];
    };
    const forwarded = { 'x-forwarded-proto': 'https' };
    expect(await sts({ publicUrl: 'https://iot.example.com/base' })).toBe('max-age=31536000');
    expect(await sts({ trustProxy: true }, forwarded)).toBe('max-age=31536000');
    expect(await sts({ trustProxy: false }, forwarded)).toBeUndefined();
    expect(await sts({ publicUrl: 'http://iot.example.com' })).toBeUndefined();
  });
});

test('the root leads to the documents; a place in the API gets the path of the proxy, one elsewhere does not', async () => {
  const app = await start({ server: { publicUrl: 'https://iot.example.com/base/' } });
  const cases = { '/': '/base/docs', '/t/near': '/base/t/me', '/t/away': 'https://else.example/' };
  for (const [url, location] of Object.entries(cases)) {
    const answer = await app.request({ url });
    expect([answer.status, answer.headers['location']]).toEqual([302, location]);
  }
});

test('an address is written as IPv4 where it is one', async () => {
  const app = await start({ server: { trustProxy: '127.0.0.1' } });
  await app.app.listen({ host: '::', port: 0 });
  const { port } = app.app.server.address() as { port: number };
  const direct = await rawClient(port, 'GET /t/ip HTTP/1.0\r\n\r\n');
  expect(JSON.parse(parseAnswer(await direct.closed()).body)).toMatchObject({ ip: '127.0.0.1' });
  const forwarded = await app.request({ url: '/t/ip', headers: { 'x-forwarded-for': '::ffff:192.0.2.7' } });
  expect(forwarded.json()).toMatchObject({ ip: '192.0.2.7' });
});

test('the rate limit counts an IPv6 network as one client', async () => {
  const app = await start({ server: { trustProxy: true, rateLimit: { max: 2, windowMs: 60_000 } } });
  const from = (address: string) =>
    app.request({ url: '/t/list', headers: { 'x-forwarded-for': address } }).then(({ status }) => status);
  expect([await from('2001:db8::1'), await from('2001:db8::2'), await from('2001:db8::3')]).toEqual([200, 200, 429]);
  expect(await from('2001:db8:0:1::1')).toBe(200);
});

describe('the ETag of a list', () => {
  test('is of what it says, and who has it is told so', async () => {
    const app = await start();
    items = [{ n: 1 }];
    const first = await app.request({ url: '/t/list' });
    const etag = first.headers['etag'] ?? '';
    expect(etag).toBe(`W/"${createHash('sha1').update(first.text).digest('base64url')}"`);
    for (const known of [etag, etag.slice(2), `"x", ${etag}`, '*']) {
      const again = await app.request({ url: '/t/list', headers: { 'if-none-match': known } });
      expect([again.status, again.text, again.headers['etag']], known).toEqual([304, '', etag]);
      expect(again.headers['content-type']).toBeUndefined();
    }
    items = [{ n: 2 }];
    const changed = await app.request({ url: '/t/list', headers: { 'if-none-match': etag } });
    expect([changed.status, changed.json().items]).toEqual([200, [{ n: 2 }]]);
    expect(changed.headers['etag']).not.toBe(etag);
  });

  test('is not on what is no list, nor on errors', async () => {
    const app = await start();
    for (const url of ['/t/ip', '/nowhere']) {
      expect((await app.request({ url, headers: { 'if-none-match': '*' } })).headers['etag']).toBeUndefined();
    }
  });
});

describe('metrics and documents', () => {
  const TOKEN = 'a token of sixteen characters or more';
  const URLS = ['/docs', '/docs/json', '/redoc', '/openapi.json'];

  test('can need a token, which a browser asks its user for', async () => {
    const app = await start({ server: { operations: { port: null, token: TOKEN } } });
    const basic = (password: string) => `Basic ${Buffer.from(`anybody:${password}`).toString('base64')}`;
    for (const url of URLS) {
      const refused = await app.request({ url });
      expect([refused.status, refused.headers['www-authenticate']], url).toEqual([401, 'Basic realm="operations"']);
      for (const authorization of ['Bearer nonsense', basic('nonsense'), 'Basic x', 'Bearer ']) {
        expect((await app.request({ url, headers: { authorization } })).status, authorization).toBe(401);
      }
      for (const authorization of [`Bearer ${TOKEN}`, basic(TOKEN)]) {
        expect((await app.request({ url, headers: { authorization } })).status, authorization).toBe(200);
      }
    }
    expect((await app.request({ url: '/t/me', as: PRINCIPALS.USER })).status).toBe(200);
  });

  test('can have a port of their own, with nothing else', async () => {
    const app = await start();
    const server = await createHttpServer({ ...app.options, operations: { port: 0, token: null } });
    await server.start?.(AbortSignal.timeout(5_000));
    const ask = async (port: number | undefined, url: string) => (await fetch(`http://127.0.0.1:${port}${url}`)).status;
    try {
      for (const url of URLS) {
        expect([await ask(server.operationsPort(), url), await ask(server.port(), url)], url).toEqual([200, 404]);
      }
      expect([await ask(server.operationsPort(), '/t/list'), await ask(server.port(), '/t/list')]).toEqual([404, 200]);
      expect(await ask(server.port(), '/')).toBe(404);
    } finally {
      await server.stop?.(AbortSignal.timeout(5_000));
    }
    await expect(ask(server.operationsPort(), '/docs')).rejects.toThrow();
  });
});
