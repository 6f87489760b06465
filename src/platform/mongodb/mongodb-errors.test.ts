import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { MongoNetworkError, MongoServerError } from 'mongodb';
import { expect, test } from 'vitest';
import { isAway } from './mongodb-errors.ts';

/** What Node says when a connection that the other side has closed is written to. */
async function brokenWrite(): Promise<Error> {
  const server = createServer((socket) => socket.resetAndDestroy()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [error] = await new Promise<[Error]>((resolve) => {
    socket.on('error', (...given) => resolve(given));
    socket.on('connect', () => {
      const write = () => socket.writable && socket.write('x', () => setImmediate(write));
      write();
    });
  });
  server.close();
  return error;
}

test('a connection that breaks under a command is away, in whose words it is said', async () => {
  const broken = await brokenWrite();
  expect(broken.message).toMatch(/EPIPE|ECONNRESET/);
  const epipe = Object.assign(new Error('write EPIPE'), { errno: -32, code: 'EPIPE', syscall: 'write' });
  const ended = Object.assign(new Error('Cannot call write after a stream was destroyed'), {
    code: 'ERR_STREAM_DESTROYED',
  });
  const finished = Object.assign(new Error('This socket has been ended by the other party'), { code: 'EPIPE' });
  for (const error of [
    broken,
    epipe,
    ended,
    finished,
    new Error('failed', { cause: epipe }),
    new MongoNetworkError('gone'),
  ]) {
    expect([error.message, isAway(error)]).toEqual([error.message, true]);
  }
});

test('what is wrong with a command, or with the program, is not', () => {
  for (const error of [
    new MongoServerError({ message: 'bad', code: 2 }),
    new TypeError('x is no function'),
    'EPIPE',
    undefined,
  ]) {
    expect(isAway(error)).toBe(false);
  }
});
