import { expect, test } from 'vitest';
import { createTestClock } from '#test/support/clock.ts';
import { systemClock, watchForSetBack } from './clock.ts';

const DAY = 86_400_000;

test('the monotonic clock goes on while the other one is set', () => {
  const before = systemClock.monotonic();
  expect(systemClock.monotonic()).toBeGreaterThanOrEqual(before);
  const clock = createTestClock();
  clock.advance(1_000);
  clock.set(clock.now() + DAY);
  expect(clock.monotonic()).toBe(1_000);
});

test('that the clock was put back is told once, and not when it goes on, jumps ahead or is corrected a little', () => {
  const clock = createTestClock();
  const wasSetBack = watchForSetBack(clock);
  clock.advance(DAY);
  expect(wasSetBack()).toBe(false);
  clock.set(clock.now() + DAY);
  expect(wasSetBack()).toBe(false);
  clock.set(clock.now() - 50);
  expect(wasSetBack()).toBe(false);
  clock.set(clock.now() - DAY);
  expect([wasSetBack(), wasSetBack()]).toEqual([true, false]);
});
