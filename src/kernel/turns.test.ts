import { expect, test } from 'vitest';
import { createTurns } from './turns.ts';

test('so much runs at a time, clients take turns, and what fails frees its place', async () => {
  const turns = createTurns(2);
  const order: string[] = [];
  let [running, most] = [0, 0];
  const work = (name: string) => async () => {
    order.push(name);
    running += 1;
    most = Math.max(most, running);
    await new Promise(setImmediate);
    running -= 1;
    if (name === 'a2') throw new Error(name);
    return name;
  };
  const asked = ['a1', 'a2', 'a3', 'a4', 'a5', 'b1', 'b2', 'c1'].map((name) => turns(name.slice(0, 1), work(name)));
  const results = await Promise.allSettled(asked);
  expect(results.map(({ status }) => status)).toEqual(
    asked.map((_, index) => (index === 1 ? 'rejected' : 'fulfilled')),
  );
  expect(most).toBe(2);
  expect(order).toEqual(['a1', 'a2', 'a3', 'b1', 'c1', 'a4', 'b2', 'a5']);
});
