import { rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createId } from '#kernel/ids.ts';
import { type Logger, silentLogger } from '#kernel/logger.ts';
import { TEST_CERTIFICATE } from '#platform/mqtt/aedes/certificate.fixture.ts';
import { temporaryFolder } from '#test/support/folders.ts';
import { freePort } from '#test/support/server-process.ts';
import { startRedis } from '#test/support/servers/redis.ts';
import { describeWithServer, type TestServer } from '#test/support/servers.ts';
import { createRedisConnection, type RedisConnection } from './redis-connection.ts';

const soon = () => AbortSignal.timeout(10_000);
const OUTCOMES = [() => 'there', () => 'away'] as const;
const unavailable = { kind: 'unavailable', code: 'unavailable' };

function connectionTo(url: string, options: { readonly ca?: string; readonly logger?: Logger } = {}): RedisConnection {
  return createRedisConnection({ url, logger: silentLogger, prefix: `test:${createId()}:`, ...options });
}

/** What a start that fails says. */
async function refusalOf(url: string, options?: { readonly ca?: string }): Promise<string> {
  const connection = connectionTo(url, options);
  try {
    await connection.start?.(soon());
  } catch (error) {
    expect(error).toMatchObject(unavailable);
    return (error as Error).message;
  } finally {
    await connection.stop?.(soon());
  }
  throw new Error('it started');
}

test('does nothing before it is started', async () => {
  const connection = connectionTo('redis://127.0.0.1:1');
  expect(connection.isReady()).toBe(false);
  await expect(connection.ping()).rejects.toMatchObject(unavailable);
  await connection.stop?.(soon());
});

test('a start without a server fails with one line that shows no password', async () => {
  const port = await freePort();
  const line = await refusalOf(`redis://someone:hush@127.0.0.1:${port}`);
  expect(line).toBe(`Redis at redis://127.0.0.1:${port} cannot be reached (ECONNREFUSED).`);
});

test('a start against a server that never answers fails', async () => {
  const silent = createServer().listen(0, '127.0.0.1');
  const { port } = await new Promise<{ port: number }>((resolve) =>
    silent.once('listening', () => resolve(silent.address() as { port: number })),
  );
  expect(await refusalOf(`redis://127.0.0.1:${port}`)).toMatch(/ does not answer\.$/);
  silent.close();
});

test('a start that is given up ends', async () => {
  const silent = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => silent.once('listening', resolve));
  const { port } = silent.address() as { port: number };
  const connection = connectionTo(`redis://127.0.0.1:${port}`);
  const giveUp = new AbortController();
  const starting = connection.start?.(giveUp.signal);
  giveUp.abort();
  await expect(starting).rejects.toMatchObject(unavailable);
  silent.close();
});

await describeWithServer(
  'redis',
  (server) => {
    test('comes back by itself after a restart and after a kill, and says so once each', async () => {
      const lines: string[] = [];
      const note = (_fields: object, message: string) => void lines.push(message);
      const connection = connectionTo(server.url, { logger: { ...silentLogger, info: note, warn: note } });
      await connection.start?.(soon());
      await connection.ping();
      expect(lines).toEqual([]);

      await server.restart();
      await expect.poll(() => connection.ping().then(...OUTCOMES), { timeout: 10_000 }).toBe('there');
      await server.kill();
      await expect.poll(() => connection.isReady()).toBe(false);
      await expect(connection.ping()).rejects.toMatchObject({ ...unavailable, details: { retryAfterSeconds: 1 } });
      await server.restart();
      await expect.poll(() => connection.isReady(), { timeout: 10_000 }).toBe(true);
      await connection.ping();
      await connection.stop?.(soon());
      const [lost, back] = ['the connection to Redis is lost', 'the connection to Redis is back'];
      expect(lines).toEqual([lost, back, lost, back]);
    });

    test('a stop while the server is away ends the attempts', async () => {
      const connection = connectionTo(server.url);
      await connection.start?.(soon());
      await server.kill();
      await expect.poll(() => connection.isReady()).toBe(false);
      await connection.stop?.(soon());
      await server.restart();
      await expect(connection.ping()).rejects.toMatchObject(unavailable);
    });

    test('a command to a server that hangs fails', async () => {
      const connection = connectionTo(server.url);
      const other = connectionTo(server.url);
      await Promise.all([connection.start?.(soon()), other.start?.(soon())]);
      const spin = `local function now() local t = redis.call('TIME') return t[1] * 1000 + t[2] / 1000 end
        local stop = now() + 1500
        while now() < stop do end`;
      const ping = () => connection.ping().then(...OUTCOMES);
      const hanging = expect(other.run((client) => client.eval(spin, 0))).rejects.toMatchObject(unavailable);
      await expect.poll(ping).toBe('away');
      await hanging;
      await expect.poll(ping, { timeout: 10_000 }).toBe('there');
      await Promise.all([connection.stop?.(soon()), other.stop?.(soon())]);
    });

    test('what the server cannot do is a bug of ours', async () => {
      const connection = connectionTo(server.url);
      await connection.start?.(soon());
      await expect(connection.run((client) => client.call('nonsense'))).rejects.toThrow(/unknown command/);
      await connection.run((client) => client.set(connection.key('text'), 'a'));
      await expect(connection.run((client) => client.incr(connection.key('text')))).rejects.toThrow(/not an integer/);
      await connection.stop?.(soon());
    });
  },
  { own: true },
);

await describeWithServer('redis', () => {
  const folder = temporaryFolder();
  const certFile = join(folder.path, 'cert.pem');
  const keyFile = join(folder.path, 'key.pem');
  let withPassword: TestServer | null;
  let withTls: TestServer | null;
  beforeAll(async () => {
    await Promise.all([writeFile(certFile, TEST_CERTIFICATE.cert), writeFile(keyFile, TEST_CERTIFICATE.key)]);
    withPassword = await startRedis({ password: 'right horse' });
    withTls = await startRedis({ tls: { certFile, keyFile } });
  });
  afterAll(async () => {
    await Promise.all([withPassword?.stop(), withTls?.stop()]);
    await rm(folder.path, { recursive: true });
  });
  const urlOf = (server: TestServer | null, change: (url: URL) => void = () => {}) => {
    const url = new URL(server?.url ?? '');
    change(url);
    return url.href;
  };

  describe('a password', () => {
    test('opens', async () => {
      const connection = connectionTo(urlOf(withPassword));
      await connection.start?.(soon());
      await connection.ping();
      await connection.stop?.(soon());
    });
    test('that is wrong, or not there, is told', async () => {
      const wrong = await refusalOf(
        urlOf(withPassword, (url) => {
          url.password = 'wrong';
        }),
      );
      expect(wrong).toMatch(/does not accept this user name and password\.$/);
      const none = await refusalOf(
        urlOf(withPassword, (url) => {
          url.password = '';
        }),
      );
      expect(none).toMatch(/wants a password, and the address holds none\.$/);
    });
  });

  describe('TLS', () => {
    test('works with a certificate that is trusted', async () => {
      const connection = connectionTo(
        urlOf(withTls, (url) => {
          url.hostname = 'localhost';
        }),
        { ca: TEST_CERTIFICATE.cert },
      );
      await connection.start?.(soon());
      await connection.ping();
      await connection.stop?.(soon());
    });
    test('does not with another one', async () => {
      expect(await refusalOf(urlOf(withTls))).toMatch(/cannot be trusted: .*CERT/);
    });
  });
});
