import { Type } from 'typebox';
import { afterEach, describe, expect, test } from 'vitest';
import { commonErrors } from '#kernel/errors.ts';
import type { Logger } from '#kernel/logger.ts';
import {
  createTestApp,
  createTestAuthenticator,
  PRINCIPALS,
  type TestApp,
  type TestAppOptions,
} from '#test/support/http.ts';
import { deviceOf, type HttpMount, principalOf } from './http.port.ts';
import { Id, PageOf, pageQuery, Strict } from './http.schemas.ts';

const Echo = Strict({ name: Type.String({ maxLength: 5 }), count: Type.Optional(Type.Integer()) });
const summary = { summary: 'x', description: 'x', tags: ['test'] };

const sample: HttpMount = {
  prefix: '/t',
  routes(app) {
    app.get(
      '/open',
      { config: { access: 'public' }, schema: { ...summary, response: { 200: Strict({}) } } },
      () => ({}),
    );
    app.get(
      '/me',
      { config: { access: 'bearer' }, schema: { ...summary, response: { 200: Strict({ id: Id }) } } },
      (request) => ({ id: principalOf(request).userId }),
    );
    app.get(
      '/admins',
      { config: { access: ['ADMIN', 'SUPERADMIN'] }, schema: { ...summary, response: { 200: Strict({}) } } },
      () => ({}),
    );
    app.get(
      '/device',
      { config: { access: 'device' }, schema: { ...summary, response: { 200: Strict({ uid: Type.String() }) } } },
      (request) => ({ uid: deviceOf(request).deviceUid }),
    );
    app.post(
      '/echo',
      { config: { access: 'public' }, schema: { ...summary, body: Echo, response: { 200: Echo } } },
      (request) => request.body,
    );
    app.get(
      '/list/:id',
      {
        config: { access: 'public' },
        schema: {
          ...summary,
          params: Strict({ id: Id }),
          querystring: Strict({ ...pageQuery, active: Type.Optional(Type.Boolean()) }),
          response: { 200: PageOf(Strict({ id: Id, active: Type.Boolean() })) },
        },
      },
      (request) => ({
        items: [{ id: request.params.id, active: request.query.active ?? false }],
        total: 1,
        page: request.query.page,
        size: request.query.size,
        pages: 1,
      }),
    );
    app.delete(
      '/gone',
      { config: { access: 'public' }, schema: { ...summary, response: { 204: Type.Null() } } },
      (_, reply) => {
        reply.code(204).send(null);
      },
    );
    app.get('/bug', { config: { access: 'public' }, schema: { ...summary } }, () => {
      throw new Error('SELECT secret FROM users');
    });
    app.get('/busy', { config: { access: 'public' }, schema: { ...summary } }, () => {
      throw commonErrors.unavailable({ details: { retryAfterSeconds: 1.2 } });
    });
  },
};

let current: TestApp | undefined;
async function start(options: Partial<TestAppOptions> = {}): Promise<TestApp> {
  current = await createTestApp({ routes: [sample], ...options });
  return current;
}
afterEach(async () => {
  await current?.close();
  current = undefined;
});

describe('request id', () => {
  test('keeps a valid one and replaces any other', async () => {
    const app = await start();
    const kept = await app.request({ url: '/t/open', headers: { 'x-request-id': 'abc-1.2:3' } });
    expect(kept.headers['x-request-id']).toBe('abc-1.2:3');
    for (const bad of ['with space', 'ü', 'x'.repeat(129)]) {
      const replaced = await app.request({ url: '/t/open', headers: { 'x-request-id': bad } });
      expect(replaced.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  test('is on errors too, in header and body', async () => {
    const app = await start();
    const response = await app.request({ url: '/nowhere', headers: { 'x-request-id': 'r1' } });
    expect(response.status).toBe(404);
    expect(response.headers['x-request-id']).toBe('r1');
    expect(response.headers['content-type']).toContain('application/problem+json');
    expect(response.json()).toEqual({
      type: 'urn:core-api:problem:not_found',
      title: 'Not Found',
      status: 404,
      detail: 'There is nothing at this address.',
      code: 'not_found',
      request_id: 'r1',
    });
  });
});

describe('access', () => {
  test('public needs no token and ignores a bad one', async () => {
    const app = await start();
    expect((await app.request({ url: '/t/open' })).status).toBe(200);
    expect((await app.request({ url: '/t/open', as: 'nonsense' })).status).toBe(200);
  });

  test('bearer', async () => {
    const app = await start();
    const missing = await app.request({ url: '/t/me' });
    expect(missing.status).toBe(401);
    expect(missing.headers['www-authenticate']).toBe('Bearer');
    expect(missing.json()).toMatchObject({ code: 'authentication_required' });
    expect((await app.request({ url: '/t/me', headers: { authorization: 'Basic eDp5' } })).status).toBe(401);
    expect((await app.request({ url: '/t/me', as: 'nonsense' })).status).toBe(401);
    expect((await app.request({ url: '/t/me', as: PRINCIPALS.USER })).json()).toEqual({ id: 104 });
  });

  test('a list of roles', async () => {
    const app = await start();
    const statuses = await Promise.all(
      Object.values(PRINCIPALS).map(async (as) => [as.role, (await app.request({ url: '/t/admins', as })).status]),
    );
    expect(Object.fromEntries(statuses)).toEqual({ SUPERADMIN: 200, ADMIN: 200, MANAGER: 403, USER: 403 });
  });

  test('device', async () => {
    const app = await start({ authenticator: createTestAuthenticator({ d1: { secret: 'a:b', deviceId: 7 } }) });
    const basic = (value: string) => ({ authorization: `Basic ${Buffer.from(value).toString('base64')}` });
    expect((await app.request({ url: '/t/device', headers: basic('d1:a:b') })).json()).toEqual({ uid: 'd1' });
    for (const value of ['d1:a', 'd1', ':', 'd2:a:b']) {
      const refused = await app.request({ url: '/t/device', headers: basic(value) });
      expect(refused.status).toBe(401);
      expect(refused.headers['www-authenticate']).toContain('Basic');
    }
    expect((await app.request({ url: '/t/device', as: PRINCIPALS.ADMIN })).status).toBe(401);
  });

  test('a route without a rule stops the start', async () => {
    const open: HttpMount = { prefix: '/x', routes: (app) => void app.get('/y', () => ({})) };
    await expect(createTestApp({ routes: [open] })).rejects.toThrow('declares no access rule');
  });
});

describe('input', () => {
  const post = (app: TestApp, body: unknown) => app.request({ method: 'POST', url: '/t/echo', body });

  test('valid bodies pass unchanged', async () => {
    const app = await start();
    expect((await post(app, { name: 'abc', count: 3 })).json()).toEqual({ name: 'abc', count: 3 });
  });

  test.each([
    [{ name: 'abc', extra: 1 }, '/extra'],
    [{ name: 'abc', count: '3' }, '/count'],
    [{ name: 5 }, '/name'],
    [{ name: 'abcdef' }, '/name'],
    [{}, '/name'],
    [[], '/'],
  ])('%j is refused with 422 at %s', async (body, path) => {
    const app = await start();
    const response = await post(app, body);
    expect(response.status).toBe(422);
    expect(response.json()).toMatchObject({ code: 'invalid_input', errors: [{ path }] });
  });

  test('a body that is missing is 422', async () => {
    const app = await start();
    expect((await app.request({ method: 'POST', url: '/t/echo' })).status).toBe(422);
  });

  test.each(['{', '{"name":', 'nonsense', '{"name":"a"} x', ''])('malformed JSON %j is 400', async (raw) => {
    const app = await start();
    const response = await app.request({ method: 'POST', url: '/t/echo', raw });
    expect(response.status).toBe(400);
    expect(response.json()).toMatchObject({ code: 'malformed_json' });
  });

  test('prototype keys are refused', async () => {
    const app = await start();
    for (const raw of ['{"name":"a","__proto__":{"x":1}}', '{"name":"a","constructor":{"prototype":{}}}']) {
      expect((await app.request({ method: 'POST', url: '/t/echo', raw })).status).toBeOneOf([400, 422]);
    }
  });

  test('another content type is 415, a body over the limit 413', async () => {
    const app = await start();
    for (const type of ['application/xml', 'text/plain']) {
      const headers = { 'content-type': type };
      expect((await app.request({ method: 'POST', url: '/t/echo', raw: '<a/>', headers })).status).toBe(415);
    }
    const large = await app.request({ method: 'POST', url: '/t/echo', raw: `{"name":"${'x'.repeat(64 << 10)}"}` });
    expect(large.status).toBe(413);
    expect(large.json()).toMatchObject({ code: 'body_too_large', detail: 'A body may have 65536 bytes here.' });
  });

  test('path and query are coerced, checked and given defaults', async () => {
    const app = await start();
    const fine = await app.request({ url: '/t/list/3?active=true&size=5' });
    expect(fine.json()).toMatchObject({ items: [{ id: 3, active: true }], page: 1, size: 5 });
    const cases = {
      '/t/list/x': '/params/id',
      '/t/list/0': '/params/id',
      '/t/list/%201': '/params/id',
      '/t/list/1e3': '/params/id',
      '/t/list/1?size=101': '/query/size',
    };
    for (const [url, path] of Object.entries(cases)) {
      const response = await app.request({ url });
      expect(response.status).toBe(422);
      expect(response.json().errors).toMatchObject([{ path }]);
    }
    for (const query of ['page=0', 'page=1.5', 'page=', 'size=a', 'unknown=1', 'page=1&page=2', 'active=maybe']) {
      expect((await app.request({ url: `/t/list/1?${query}` })).status, query).toBe(422);
    }
  });

  test('a malformed address is a 4xx problem', async () => {
    const app = await start();
    const response = await app.request({ url: '/t/list/%zz' });
    expect(response.status).toBe(400);
    expect(response.headers['x-request-id']).toBeDefined();
  });
});

describe('errors', () => {
  test('a bug is logged whole and shown bare', async () => {
    const logged: object[] = [];
    const logger: Logger = {
      debug: () => {},
      info: () => {},
      warn: () => {},
      error: (fields) => void logged.push(fields),
      child: () => logger,
    };
    const app = await start({ logger });
    const response = await app.request({ url: '/t/bug' });
    expect(response.status).toBe(500);
    expect(response.text).not.toContain('SELECT');
    expect(response.json()).toMatchObject({ code: 'internal_error', title: 'Internal Server Error' });
    expect(logged).toHaveLength(1);
    expect(logged[0]).toMatchObject({ err: expect.objectContaining({ message: 'SELECT secret FROM users' }) });
  });

  test('unavailable says when to come back', async () => {
    const app = await start();
    const response = await app.request({ url: '/t/busy' });
    expect(response.status).toBe(503);
    expect(response.headers['retry-after']).toBe('2');
  });

  test('204 has no body', async () => {
    const app = await start();
    const response = await app.request({ method: 'DELETE', url: '/t/gone' });
    expect([response.status, response.text]).toEqual([204, '']);
  });

  test('a method that a known address does not take is 405, which names those that it takes', async () => {
    const app = await start();
    const cases = {
      '/t/open': 'GET, HEAD',
      '/t/list/7?page=1': 'GET, HEAD',
      '/t/list/7/': 'GET, HEAD',
      '/t/gone': 'DELETE',
    };
    for (const [url, allow] of Object.entries(cases)) {
      const response = await app.request({ method: 'PUT', url, raw: 'not even JSON' });
      expect(response.json(), url).toMatchObject({ status: 405, code: 'method_not_allowed' });
      expect(response.headers['allow']).toBe(allow);
    }
    // Fastify itself has a status of its own for this method without a content type.
    const query = await app.app.inject({ method: 'QUERY' as 'GET', url: '/t/open' });
    expect([query.statusCode, query.headers['allow']]).toEqual([405, 'GET, HEAD']);
    const unknown = await app.request({ method: 'POST', url: '/nowhere', raw: '{' });
    expect([unknown.status, unknown.headers['allow']]).toEqual([404, undefined]);
  });
});

describe('request log', () => {
  test('one line with method, path, status, elapsed, request id and user', async () => {
    const lines: object[] = [];
    const logger: Logger = {
      debug: () => {},
      info: (fields, message) => void lines.push({ ...fields, message }),
      warn: () => {},
      error: () => {},
      child: () => logger,
    };
    const observed: object[] = [];
    const app = await start({ logger, server: { onResponse: (observation) => void observed.push(observation) } });
    await app.request({ url: '/t/me?token=secret', as: PRINCIPALS.USER, headers: { 'x-request-id': 'r9' } });
    await app.request({ url: '/t/list/5' });
    await app.request({ url: '/nowhere' });
    expect(lines).toEqual([
      {
        method: 'GET',
        path: '/t/me',
        status: 200,
        elapsed_ms: expect.any(Number),
        request_id: 'r9',
        user_id: 104,
        message: 'request',
      },
      expect.objectContaining({ path: '/t/list/5', user_id: null, status: 200 }),
      expect.objectContaining({ path: '/nowhere', status: 404 }),
    ]);
    expect(observed).toMatchObject([{ route: '/t/me' }, { route: '/t/list/:id' }, { route: 'unmatched' }]);
  });
});

describe('CORS', () => {
  test('off by default', async () => {
    const app = await start();
    const response = await app.request({ url: '/t/open', headers: { origin: 'https://a.example' } });
    expect(response.headers['access-control-allow-origin']).toBeUndefined();
  });

  test('only listed origins; a preflight passes the access rule', async () => {
    const app = await start({ server: { corsOrigins: ['https://a.example'] } });
    const origin = async (value: string) =>
      (await app.request({ url: '/t/open', headers: { origin: value } })).headers['access-control-allow-origin'];
    expect(await origin('https://a.example')).toBe('https://a.example');
    expect(await origin('https://b.example')).toBeUndefined();
    const preflight = await app.request({
      method: 'OPTIONS',
      url: '/t/me',
      headers: { origin: 'https://a.example', 'access-control-request-method': 'GET' },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers['access-control-allow-origin']).toBe('https://a.example');
  });
});

describe('rate limit', () => {
  test('counts per client, answers 429 with headers, spares documents', async () => {
    const app = await start({ server: { rateLimit: { max: 2, windowMs: 60_000 } } });
    const first = await app.request({ url: '/t/open' });
    expect(first.headers['ratelimit-limit']).toBe('2');
    expect(first.headers['ratelimit-remaining']).toBe('1');
    await app.request({ url: '/t/open' });
    const limited = await app.request({ url: '/t/open' });
    expect(limited.status).toBe(429);
    expect(limited.json()).toMatchObject({ code: 'rate_limited', status: 429 });
    expect(Number(limited.headers['retry-after'])).toBeGreaterThan(0);
    expect(limited.headers['ratelimit-remaining']).toBe('0');
    expect((await app.request({ url: '/openapi.json' })).status).toBe(200);
    expect((await app.request({ url: '/docs/static/swagger-ui.css' })).status).toBe(200);
    expect((await app.request({ url: '/nowhere' })).status).toBe(429);
  });

  test('refused requests count too', async () => {
    const app = await start({ server: { rateLimit: { max: 2, windowMs: 60_000 } } });
    const statuses: number[] = [];
    for (const url of ['/t/me', '/nowhere', '/t/me']) statuses.push((await app.request({ url })).status);
    expect(statuses).toEqual([401, 404, 429]);
  });
});

describe('API document', () => {
  test('is OpenAPI 3.1 with security and problems from the access rules', async () => {
    const app = await start();
    const document = (await app.request({ url: '/openapi.json' })).json();
    expect(document.openapi).toBe('3.1.0');
    const admins = document.paths['/t/admins'].get;
    expect(Object.keys(admins.responses)).toEqual(expect.arrayContaining(['200', '401', '403', '422', '500']));
    expect(admins.security).toEqual([{ bearer: [] }]);
    expect(document.paths['/t/device'].get.security).toEqual([{ device: [] }]);
    expect(document.paths['/t/open'].get.security).toEqual([]);
    expect(admins.responses['401'].$ref).toBe('#/components/responses/authentication_required');
    const { content } = document.components.responses.authentication_required;
    expect(content['application/problem+json'].schema.$ref).toBe('#/components/schemas/Problem');
    expect((await app.request({ url: '/docs' })).status).toBeOneOf([200, 302]);
  });
});
