import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AppError } from '#kernel/errors.ts';
import { type Logger, silentLogger } from '#kernel/logger.ts';
import { createTestApp, type TestApp } from '#test/support/http.ts';
import { createRemoteClient } from './remote-client.ts';
import { createRemoteServer } from './remote-server.ts';

interface Calculator {
  add(a: number, b: number): Promise<number>;
  nothing(): Promise<void>;
  refuse(): Promise<never>;
  break(): Promise<never>;
  hang(): Promise<never>;
  /** Not for others. */
  reset(): Promise<void>;
}

const METHODS = ['add', 'nothing', 'refuse', 'break', 'hang'] as const;
const SECRET = 'a secret of sixteen';
const calculator: Calculator = {
  add: async (a, b) => a + b,
  nothing: async () => {},
  async refuse() {
    const details = { fields: [{ path: '/a', message: 'must be even' }], retryAfterSeconds: 3 };
    throw new AppError('limited', 'too_odd', 'Too odd.', { details });
  },
  async break() {
    throw new Error('the password is hunter2');
  },
  hang: () => new Promise(() => {}),
  reset: async () => {},
};

let app: TestApp;
let url: string;
let logger: Logger;
let logged: object[];
let said: string[];

beforeEach(async () => {
  logged = [];
  said = [];
  const say = (_fields: object, message: string) => void said.push(message);
  logger = { ...silentLogger, error: (fields) => void logged.push(fields), warn: say, info: say };
  const server = createRemoteServer({ name: 'calculator', api: calculator, methods: METHODS, secret: SECRET, logger });
  app = await createTestApp({ routes: [server] });
  await app.app.listen({ host: '127.0.0.1', port: 0 });
  url = `http://127.0.0.1:${(app.app.server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  app.app.server.closeAllConnections();
  await app.close();
});

const connect = (secret = SECRET, to = url) =>
  createRemoteClient<Calculator>({ name: 'calculator', methods: METHODS, url: to, secret, logger, timeoutMs: 2_000 });

test('what a method answers is answered here, also when it is nothing', async () => {
  expect(await connect().add(2, 3)).toBe(5);
  expect(await connect().nothing()).toBeUndefined();
  expect(await connect(SECRET, `${url}/`).add(1, 1)).toBe(2);
});

test('what a method refuses is refused here, with all that it says', async () => {
  await expect(connect().refuse()).rejects.toMatchObject({
    name: 'AppError',
    kind: 'limited',
    code: 'too_odd',
    message: 'Too odd.',
    details: { fields: [{ path: '/a', message: 'must be even' }], retryAfterSeconds: 3 },
  });
});

test('a bug there is logged there, and says nothing here', async () => {
  const failure = await connect()
    .break()
    .catch((error: unknown) => error);
  expect(failure).toMatchObject({ kind: 'unavailable', code: 'internal_error' });
  expect(String(failure)).not.toContain('hunter2');
  expect(logged).toMatchObject([{ api: 'calculator', method: 'break' }]);
});

describe('is not for everybody', () => {
  const call = (method: string, headers: Record<string, string>) =>
    app.request({ method: 'POST', url: `/internal/calculator/${method}`, headers, body: { args: [1, 2] } });

  test.each([{}, { 'x-internal-secret': '' }, { 'x-internal-secret': `${SECRET}!` }])(
    '%j is refused',
    async (headers) => {
      expect((await call('add', headers)).status).toBe(401);
    },
  );

  test.each(['reset', 'constructor', 'toString', '__proto__'])('%s is not there, with the secret', async (method) => {
    expect((await call(method, { 'x-internal-secret': SECRET })).status).toBe(404);
  });

  test('with the wrong secret every method is away', async () => {
    await expect(connect('another secret of ours').add(1, 2)).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('is away', () => {
  const away = { kind: 'unavailable', code: 'unavailable', details: { retryAfterSeconds: 1 } };

  test('when nobody is there', async () => {
    app.app.server.closeAllConnections();
    await app.close();
    await expect(connect().add(1, 2)).rejects.toMatchObject(away);
  });

  test('as long as it lasts, which is logged at its beginning and at its end', async () => {
    const client = connect();
    await expect(client.hang()).rejects.toMatchObject(away);
    await expect(client.hang()).rejects.toMatchObject(away);
    expect(await client.add(1, 2)).toBe(3);
    expect(said.filter((each) => each.includes('process'))).toEqual([
      'a module of its own process is away',
      'a module of its own process is back',
    ]);
  });

  test('when it does not answer in time', async () => {
    await expect(connect().hang()).rejects.toMatchObject(away);
  });

  test('when somebody else answers', async () => {
    const other = createServer((_request, response) => response.writeHead(302, { location: '/' }).end()).listen(0);
    const { port } = other.address() as AddressInfo;
    await expect(connect(SECRET, `http://127.0.0.1:${port}`).add(1, 2)).rejects.toMatchObject(away);
    other.closeAllConnections();
    other.close();
  });
});
