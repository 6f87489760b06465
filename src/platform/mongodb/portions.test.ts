import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { commonErrors } from '#kernel/errors.ts';
import { createPortions } from './portions.ts';

const TOO_LONG_MS = 40;
const items = Array.from({ length: 1_000 }, (_, n) => n);

/** A server that manages so many at once, and is given up with more. */
function createServer(manages: () => number) {
  const sizes: number[] = [];
  const done: number[] = [];
  const send = async (portion: readonly number[], from: number) => {
    sizes.push(portion.length);
    expect(portion[0]).toBe(from);
    if (portion.length > manages()) {
      await delay(TOO_LONG_MS * 1.5);
      throw commonErrors.unavailable();
    }
    done.push(...portion);
  };
  return { sizes, done, send };
}

test('what is given up is sent in halves, until the server manages; then in larger ones again', async () => {
  let manages = 300;
  const { sizes, done, send } = createServer(() => manages);
  const inPortions = createPortions(TOO_LONG_MS);
  let tries = 0;
  for (; done.length < items.length; tries += 1) {
    done.length = 0;
    await inPortions(items, send).catch(() => {});
    expect(tries).toBeLessThan(10);
  }
  expect(done).toEqual(items);
  expect(sizes.slice(0, 3)).toEqual([1_000, 500, 250]);
  manages = 1_000;
  sizes.length = 0;
  for (let round = 0; round < 5; round += 1) await inPortions(items, send);
  expect(sizes.at(-1)).toBe(1_000);
});

test('what fails at once makes nothing smaller', async () => {
  const inPortions = createPortions(TOO_LONG_MS);
  for (const error of [new Error('refused'), commonErrors.unavailable()]) {
    await expect(inPortions(items, () => Promise.reject(error))).rejects.toBe(error);
  }
  const { sizes, send } = createServer(() => 1_000);
  await inPortions(items, send);
  expect(sizes).toEqual([1_000]);
  await inPortions([], send);
  expect(sizes).toEqual([1_000]);
});
