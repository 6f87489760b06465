import { expect, test } from 'vitest';
import { partOf, sessionsOf } from './partition.ts';

test('a uid belongs to the same part for ever: these are at the brokers', () => {
  expect(
    ['alpha', 'beta', 'greenhouse-07', 'A', '0'.repeat(64)].map((uid) => [partOf(uid, 2), partOf(uid, 3)]),
  ).toEqual([
    [1, 0],
    [1, 1],
    [1, 2],
    [0, 1],
    [0, 0],
  ]);
});

test.each([1, 2, 3, 4, 16])('%i parts: every device belongs to one session, and they are about as large', (count) => {
  const sessions = sessionsOf(count);
  const sizes = sessions.map(() => 0);
  for (let number = 0; number < 8_000; number++) {
    const owners = sessions.flatMap(({ owns }, index) => (owns(`device-${number}`) ? [index] : []));
    expect(owners).toHaveLength(1);
    sizes[owners[0] as number] = (sizes[owners[0] as number] ?? 0) + 1;
  }
  for (const size of sizes) expect(size).toBeGreaterThan((8_000 / count) * 0.8);
});

test('the names of sessions say of how many they are, and can be no device’s', () => {
  expect(sessionsOf(2).map(({ clientId }) => clientId)).toEqual([
    'core.api.receiver-1-of-2',
    'core.api.receiver-2-of-2',
  ]);
});
