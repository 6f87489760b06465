import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { COUNTER, takeAll } from './receivers.ts';

test('a receiver is timed from its first message to its last, from where its counter stood', async () => {
  // As a counter is seen, question by question: nothing yet, then some, then all.
  const shown = [1_000, 1_000, 1_400, 1_900, 2_500];
  let asked = 0;
  const server = createServer((_request, response) => {
    const value = shown[Math.min(asked, shown.length - 1)];
    asked += 1;
    response.end(`# HELP ${COUNTER} samples\n${COUNTER} ${value}\nother 7\n`);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const started = performance.now();
  const { count, seconds } = await takeAll({ pid: 0, port }, 1_000, Promise.resolve(1_500));
  const whole = (performance.now() - started) / 1_000;
  expect(count).toBe(1_500);
  expect(asked).toBe(shown.length);
  // Three of the five intervals between questions: the first two brought nothing.
  expect(seconds).toBeGreaterThan(0);
  expect(seconds).toBeLessThan(whole);
  server.close();
});
