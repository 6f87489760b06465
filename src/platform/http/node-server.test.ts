import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Type } from 'typebox';
import { afterEach, describe, expect, test } from 'vitest';
import { type Logger, silentLogger } from '#kernel/logger.ts';
import { createSocketIoRealtime } from '#platform/realtime/socketio/socketio.ts';
import { createTestApp } from '#test/support/http.ts';
import { parseAnswer, type RawClient, rawClient } from '#test/support/raw-http.ts';
import type { HttpLimits } from './http.limits.ts';
import type { HttpMount } from './http.port.ts';
import type { HttpServerOptions } from './http.server.ts';

const config = { access: 'public' } as const;
const schema = { summary: 'x', description: 'x', tags: ['test'], response: { 200: Type.Unknown() } };
let reached: unknown[] = [];
let hold: Promise<void> = Promise.resolve();
const routes: HttpMount = {
  prefix: '/t',
  routes(app) {
    app.get('/open', { config, schema }, () => ({ open: true }));
    app.post('/echo', { config, schema: { ...schema, body: Type.Unknown() } }, async ({ body }) => {
      reached.push(body);
      await hold;
      return { body };
    });
  },
};

let end: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const each of end) await each();
  [end, reached, hold] = [[], [], Promise.resolve()];
});

async function listen(
  limits: Partial<HttpLimits> = {},
  server: Partial<HttpServerOptions> = {},
  logger = silentLogger,
) {
  const { app, close } = await createTestApp({ routes: [routes], logger, server: { limits, ...server } });
  const requests: IncomingMessage[] = [];
  app.server.on('request', (request) => void requests.push(request));
  await app.listen({ host: '127.0.0.1', port: 0 });
  end.push(close);
  const { port } = app.server.address() as { port: number };
  return {
    app,
    /** How many bodies are read, or were. */
    held: () => requests.filter(({ readableFlowing }) => readableFlowing === true).length,
    async send(text: string | Buffer, from?: string): Promise<RawClient> {
      const client = await rawClient(port, text, from);
      end.unshift(async () => void client.socket.destroy());
      return client;
    },
  };
}

const GET = 'GET /t/open HTTP/1.1\r\nHost: x\r\n';
const post = (length: number, sent: string, more = '') =>
  `POST /t/echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${more}Content-Length: ${length}\r\n\r\n${sent}`;

function recorder() {
  const [infos, errors]: [object[], object[]] = [[], []];
  const logger: Logger = {
    debug: () => {},
    info: (fields) => void infos.push(fields),
    warn: () => {},
    error: (fields) => void errors.push(fields),
    child: () => logger,
  };
  return { logger, infos, errors };
}

describe('an offer of another protocol', () => {
  async function withSocketIo() {
    const server = await listen();
    const realtime = createSocketIoRealtime({
      authenticator: {
        authenticate: () => Promise.reject(new Error('nobody')),
        refresh: () => Promise.reject(new Error('nobody')),
      },
      logger: silentLogger,
      corsOrigins: [],
    });
    realtime.attachTo(server.app.server);
    await realtime.start?.(AbortSignal.timeout(10_000));
    end.unshift(async () => realtime.stop?.(AbortSignal.timeout(10_000)));
    return server;
  }

  test.each(['h2c', 'HTTP/2.0', 'TLS/1.2', 'websocket'])('%s is left: the request is answered', async (protocol) => {
    const server = await withSocketIo();
    // As curl --http2 and Java's HttpClient ask.
    const offer = `Connection: Upgrade, HTTP2-Settings\r\nUpgrade: ${protocol}\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n`;
    const get = await server.send(`${GET}${offer}\r\n`);
    expect(parseAnswer(await get.until(/\{"open":true\}/)).status).toBe(200);
    const posted = await server.send(post(7, '{"a":1}', offer));
    expect(parseAnswer(await posted.until(/\{"body":\{"a":1\}\}/)).status).toBe(200);
    // The connection goes on in HTTP/1.1.
    posted.socket.write(`${GET}\r\n`);
    await posted.until(/\{"open":true\}/);
  });

  test('what Socket.IO answers carries what every answer carries', async () => {
    const server = await withSocketIo();
    for (const [query, status] of [
      ['EIO=4&transport=polling', 200],
      ['EIO=4&transport=nonsense', 400],
    ] as const) {
      const id = 'X-Request-ID: mine\r\nConnection: close\r\n';
      const client = await server.send(`GET /socket.io/?${query} HTTP/1.1\r\nHost: x\r\n${id}\r\n`);
      const answer = parseAnswer(await client.closed());
      expect(answer.status).toBe(status);
      expect(answer.headers).toMatchObject({ 'x-request-id': 'mine', 'x-content-type-options': 'nosniff' });
    }
  });

  test('WebSocket is taken where Socket.IO is', async () => {
    const server = await withSocketIo();
    const client = await server.send(
      'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n' +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    expect(await client.until(/\r\n\r\n/)).toMatch(/^HTTP\/1.1 101/);
  });
});

describe('what is no request', () => {
  test.each([
    ['another protocol', 'HELLO\r\n\r\n', 400, 'malformed_request'],
    ['a head that is too large', `${GET}X: ${'x'.repeat(20_000)}\r\n\r\n`, 431, 'headers_too_large'],
    [
      'two lengths',
      `POST /t/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n`,
      400,
      'malformed_request',
    ],
    ['no host', 'GET /t/open HTTP/1.1\r\nX-Request-ID: mine\r\n\r\n', 400, 'malformed_request'],
    ['a tunnel', 'CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n', 405, 'method_not_allowed'],
    ['a length that is none', `${GET}Content-Length: x\r\n\r\n`, 400, 'malformed_request'],
    [
      'an address that cannot be decoded',
      'GET /t/%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
      400,
      'malformed_request',
    ],
  ])('%s is a problem like any other', async (_what, text, status, code) => {
    const { logger, infos } = recorder();
    const server = await listen({}, {}, logger);
    const client = await server.send(text);
    const answer = parseAnswer(await client.until(/"request_id":"[^"]+"\}/));
    const problem = JSON.parse(answer.body);
    expect(problem).toMatchObject({ status, code });
    expect(answer.status).toBe(status);
    expect(answer.headers).toMatchObject({
      'content-type': expect.stringContaining('application/problem+json'),
      'x-request-id': problem.request_id,
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    });
    await expect.poll(() => infos).toMatchObject([{ status, request_id: problem.request_id }]);
  });

  test.each([
    ['another protocol', 'HELLO\r\n\r\n'],
    ['a head that is too large', `${GET}X: ${'x'.repeat(20_000)}\r\n\r\n`],
    ['a tunnel', 'CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\nOrigin: https://a.test\r\n\r\n'],
    [
      'a chunk that is none',
      `${post(0, '').replace('Content-Length: 0', 'Origin: https://a.test\r\nTransfer-Encoding: chunked')}zz\r\n`,
    ],
  ])('a browser page may read the answer to %s, as far as its origin is known', async (_what, text) => {
    const isKnown = text.includes('Origin: ');
    for (const [corsOrigins, unknown] of [
      [['*'], '*'],
      [['https://b.test', 'https://a.test'], undefined],
    ] as const) {
      const server = await listen({}, { corsOrigins });
      const { headers } = parseAnswer(await (await server.send(text)).until(/"request_id":"[^"]+"\}/));
      expect(headers['access-control-allow-origin']).toBe(isKnown ? 'https://a.test' : unknown);
      expect(headers['vary']).toBe('Origin');
      expect(headers['access-control-expose-headers']).toContain('X-Request-ID');
      expect(headers['allow'] !== undefined).toBe(text.startsWith('CONNECT'));
    }
  });

  test('HTTP/1.0 needs no host, and an unknown expectation stops nobody', async () => {
    const server = await listen();
    expect(await (await server.send('GET /t/open HTTP/1.0\r\n\r\n')).closed()).toMatch(/^HTTP\/1.1 200/);
    expect(await (await server.send(`${GET}Expect: much\r\n\r\n`)).until(/open/)).toMatch(/^HTTP\/1.1 200/);
  });
});

describe('time', () => {
  test('a head that does not come to its end is 408; who says nothing is let go without a word', async () => {
    const server = await listen({ headMs: 200 });
    const [slow, silent] = [await server.send(GET), await server.send('')];
    expect(parseAnswer(await slow.closed())).toMatchObject({
      status: 408,
      body: expect.stringContaining('request_timeout'),
    });
    expect(await silent.closed()).toBe('');
  });

  test('a body that does not come to its end is 408, and nothing of it is acted upon', async () => {
    const server = await listen({ bodyMs: { anyone: 100, people: 100, device: 100 } });
    const slow = await server.send(post(7, '{"a":1'));
    const answer = parseAnswer(await slow.until(/request_timeout/));
    expect([answer.status, answer.headers['connection']]).toEqual([408, 'close']);
    await slow.closed();
    expect(reached).toEqual([]);
  });

  test('who has sent the body in time has all the time for the answer', async () => {
    const server = await listen({ bodyMs: { anyone: 50, people: 50, device: 50 } });
    let go = () => {};
    hold = new Promise((resolve) => {
      go = resolve;
    });
    const client = await server.send(post(7, '{"a":1}'));
    await expect.poll(() => reached.length).toBe(1);
    // Another one runs out of its time meanwhile.
    await (await server.send(post(7, '{'))).closed();
    go();
    expect(parseAnswer(await client.until(/\{"body"/)).status).toBe(200);
  });

  test('a connection on which nothing moves is closed', async () => {
    const server = await listen({ silenceMs: 100 });
    hold = new Promise(() => {});
    expect(await (await server.send(post(7, '{"a":1}'))).closed()).toBe('');
  });
});

describe('number', () => {
  test('an address has its share of connections, and gets it back', async () => {
    const server = await listen({ connectionsPerAddress: 2 });
    const clients = [await server.send(`${GET}\r\n`), await server.send(`${GET}\r\n`)];
    for (const each of clients) await each.until(/open/);
    expect(await (await server.send(`${GET}\r\n`)).closed()).toBe('');
    clients[0]?.socket.destroy();
    await expect
      .poll(async () => (await server.send(`${GET}Connection: close\r\n\r\n`)).closed())
      .toMatch(/^HTTP\/1.1 200/);
  });

  test('proxies of ours are not counted', async () => {
    const server = await listen({ connectionsPerAddress: 1 }, { trustProxy: '10.0.0.0/8, 127.0.0.1' });
    for (let count = 0; count < 3; count += 1) await (await server.send(`${GET}\r\n`)).until(/open/);
  });

  test('all connections have a limit', async () => {
    const server = await listen({ connections: 1 });
    await (await server.send(`${GET}\r\n`)).until(/open/);
    expect(await (await server.send(`${GET}\r\n`)).closed()).toBe('');
  });

  test('where bodies fill the memory, the newest of whoever holds most makes room for those of others', async () => {
    const server = await listen({ heldBodyBytes: 1_000 });
    const first = await server.send(post(700, '"'.padEnd(450)), '127.0.0.2');
    await expect.poll(() => server.held()).toBe(1);
    const second = await server.send(post(700, '"'.padEnd(450)), '127.0.0.2');
    await expect.poll(() => server.held()).toBe(2);
    const small = await server.send(post(202, `"${'x'.repeat(200)}"`), '127.0.0.3');
    expect(parseAnswer(await small.until(/\{.*\}/)).status).toBe(200);
    expect(parseAnswer(await second.closed()).status).toBe(503);
    first.socket.write('"'.padEnd(250));
    expect(parseAnswer(await first.until(/\{.*\}/)).status).toBe(200);
  });

  test('one client has its share of that', async () => {
    const server = await listen({ heldBodyBytesOfOne: 500 });
    await server.send(post(700, '"'.padEnd(300)), '127.0.0.2');
    await expect.poll(() => server.held()).toBe(1);
    const second = await server.send(post(700, '"'.padEnd(300)), '127.0.0.2');
    expect(parseAnswer(await second.closed()).status).toBe(503);
    const other = await server.send(post(302, `"${'x'.repeat(300)}"`), '127.0.0.3');
    expect(parseAnswer(await other.until(/\{.*\}/)).status).toBe(200);
  });

  test('bodies together have a limit; what ended, however it did, counts no more', async () => {
    const server = await listen({ heldBodyBytes: 1_000 });
    const [first, second] = [
      await server.send(post(700, '"'.padEnd(699))),
      await server.send(post(700, '"'.padEnd(200))),
    ];
    second.socket.write(' '.repeat(200));
    const refused = parseAnswer(await second.until(/"request_id"/));
    expect([refused.status, refused.headers['retry-after'], refused.headers['connection']]).toEqual([
      503,
      '1',
      'close',
    ]);
    await second.closed();
    first.socket.write('"');
    await first.until(/\{"body"/);
    // As often as it would not be possible if one of them were still counted.
    for (let count = 0; count < 5; count += 1) {
      const gone = await server.send(post(700, '"'.padEnd(600)));
      gone.socket.destroy();
      await once(gone.socket, 'close');
    }
    await expect
      .poll(
        async () => parseAnswer(await (await server.send(post(900, `"${'x'.repeat(898)}"`))).until(/\{.*\}/)).status,
      )
      .toBe(200);
  });
});

test('a client that leaves in the middle of its body is no error of ours', async () => {
  const { logger, infos, errors } = recorder();
  const server = await listen({}, {}, logger);
  const client = await server.send(post(700, '{"a":'));
  const accepted = await server.send(`${GET}\r\n`);
  await accepted.until(/open/);
  client.socket.destroy();
  await expect
    .poll(() => infos)
    .toMatchObject([
      { path: '/t/open', status: 200 },
      { method: 'POST', path: '/t/echo', status: 400 },
    ]);
  expect(errors).toEqual([]);
});

test('who still asks while the server stops gets a whole answer', async () => {
  const { app, send } = await listen();
  let go = () => {};
  hold = new Promise((resolve) => {
    go = resolve;
  });
  const client = await send(post(7, '{"a":1}'));
  await expect.poll(() => reached.length).toBe(1);
  const closed = app.close();
  await expect.poll(() => app.server.listening).toBe(false);
  const asked = once(app.server, 'request');
  client.socket.write(`${GET}\r\n`);
  await asked;
  go();
  const received = await client.closed();
  await closed;
  expect(received).toContain('{"body":{"a":1}}');
  const second = parseAnswer(received.slice(received.lastIndexOf('HTTP/1.1')));
  expect(second).toMatchObject({ status: 503, headers: { 'x-request-id': expect.any(String), connection: 'close' } });
});
