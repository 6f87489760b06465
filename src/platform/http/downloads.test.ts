import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { Type } from 'typebox';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { commonErrors } from '#kernel/errors.ts';
import { createTestApp, createTestAuthenticator, PRINCIPALS, type TestApp } from '#test/support/http.ts';
import type { HttpMount } from './http.port.ts';

/** How many streams are open. */
let open = 0;
const CHUNK = 'x'.repeat(64 * 1024);

async function* chunks(count: number) {
  open += 1;
  try {
    for (let sent = 0; sent < count; sent++) yield CHUNK;
  } finally {
    open -= 1;
  }
}

const files: HttpMount = {
  prefix: '/files',
  routes(app) {
    const content = { 'text/plain': { schema: Type.Unsafe<Readable>({ type: 'string' }) } };
    app.get(
      '/:chunks',
      {
        config: { access: 'bearer' },
        schema: {
          ...{ summary: 'x', description: 'x', tags: ['test'] },
          params: Type.Object({ chunks: Type.Integer() }),
          response: { 200: { description: 'x', content } },
        },
      },
      async (request, reply) =>
        reply
          .type('text/plain')
          .header('content-disposition', 'attachment')
          .send(Readable.from(chunks(request.params.chunks))),
    );
  },
};

const ENDLESS = 1_000_000;
let app: TestApp;
let port: number;
const sockets: Socket[] = [];
beforeEach(async () => {
  app = await createTestApp({ routes: [files], server: { downloads: { stalledAfterMs: 200 } } });
  await app.app.listen({ host: '127.0.0.1', port: 0 });
  port = (app.app.server.address() as { port: number }).port;
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await app.close();
});

/** Asks for a file and reads the beginning. */
async function ask(count: number, userId: number): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port });
  sockets.push(socket);
  socket.on('error', () => {});
  socket.write(`GET /files/${count} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer test:USER:${userId}\r\n\r\n`);
  await once(socket, 'data');
  return socket;
}

test('a reader that takes nothing is cut off, one that is slow is not', async () => {
  const stalled = await ask(ENDLESS, 1);
  stalled.pause();
  const slow = await ask(ENDLESS, 2);
  slow.pause();
  const reading = setInterval(() => {
    while (slow.read() !== null);
  }, 20);
  await expect.poll(() => open).toBe(1);
  expect(slow.destroyed).toBe(false);
  clearInterval(reading);
  await expect.poll(() => open).toBe(0);
});

test('one user has three at a time, and others theirs', async () => {
  const mine = await Promise.all([1, 2, 3].map(() => ask(ENDLESS, PRINCIPALS.USER.userId)));
  for (const each of mine) each.resume();
  const fourth = await app.request({ url: '/files/1', as: PRINCIPALS.USER });
  expect([fourth.status, fourth.json().code]).toEqual([429, 'rate_limited']);
  expect(fourth.headers['content-disposition']).toBeUndefined();
  expect((await app.request({ url: '/files/1', as: PRINCIPALS.ADMIN })).text).toBe(CHUNK);
  mine[0]?.destroy();
  await expect.poll(async () => (await app.request({ url: '/files/1', as: PRINCIPALS.USER })).status).toBe(200);
});

test('a user who loses access receives no more, others do', async () => {
  const [one, other] = [await ask(ENDLESS, 1), await ask(ENDLESS, 2)];
  for (const each of [one, other]) each.resume();
  const ended = once(one, 'close');
  app.endDownloads(1);
  await ended;
  await expect.poll(() => open).toBe(1);
  expect(other.destroyed).toBe(false);
  app.endDownloads(null);
  await expect.poll(() => open).toBe(0);
});

test('a user who lost access while the file was prepared receives nothing of it', async () => {
  const authenticator = createTestAuthenticator();
  let asked = 0;
  const forgetful = {
    ...authenticator,
    async bearer(token: string) {
      asked += 1;
      if (asked > 1) throw commonErrors.authentication_required();
      return await authenticator.bearer(token);
    },
  };
  const other = await createTestApp({ routes: [files], authenticator: forgetful });
  const answer = await other.request({ url: '/files/3', as: PRINCIPALS.USER });
  expect([asked, answer.status, answer.headers['content-disposition']]).toEqual([2, 401, undefined]);
  expect(answer.text).not.toContain(CHUNK);
  await expect.poll(() => open).toBe(0);
  await other.close();
});
