import { expect, test, vi } from 'vitest';
import { createTestClock } from '#test/support/clock.ts';
import { createDeviceThrottle } from './ingest.throttle.ts';

function createSubject(isMqttPaced = true) {
  const clock = createTestClock();
  const delays: number[] = [];
  const onDelay = (delayMs: number) => void delays.push(Math.round(delayMs));
  return { clock, delays, throttle: createDeviceThrottle({ itemsPerSecond: 10, isMqttPaced, clock, onDelay }) };
}
const acknowledge = () => {};

test('the items of an array count like messages of their own', () => {
  const { throttle, delays } = createSubject();
  for (let n = 0; n < 10; n += 1) expect(throttle.pace(1, 1, acknowledge)).toBe(acknowledge);
  expect(throttle.pace(1, 1, acknowledge)).not.toBe(acknowledge);
  expect(throttle.pace(2, 10, acknowledge)).toBe(acknowledge);
  expect(throttle.pace(2, 5, acknowledge)).not.toBe(acknowledge);
  expect(throttle.pace(3, 100, acknowledge)).not.toBe(acknowledge);
  expect(delays).toEqual([100, 500, 9_000]);
});

test('a request is refused while the device is above its rate, and counts nothing then', () => {
  const { throttle, clock, delays } = createSubject();
  expect(throttle.admit(1, 30)).toBe(0);
  for (let n = 0; n < 3; n += 1) expect(throttle.admit(1, 30)).toBeCloseTo(2_000);
  clock.advance(2_001);
  expect(throttle.admit(1, 1)).toBe(0);
  expect(delays).toEqual([]);
});

test('messages and requests of a device share its rate', () => {
  const { throttle } = createSubject();
  throttle.pace(1, 50, acknowledge);
  expect(throttle.admit(1, 1)).toBeCloseTo(4_000);
});

test('where messages are not held back they count all the same', () => {
  const { throttle, delays } = createSubject(false);
  expect(throttle.pace(1, 50, acknowledge)).toBe(acknowledge);
  expect(throttle.admit(1, 1)).toBeCloseTo(4_000);
  expect(delays).toEqual([]);
});

test('however much is owed, no delay is longer than a timer can wait', () => {
  const { throttle, delays } = createSubject();
  let held = acknowledge as () => void;
  const acknowledged = vi.fn();
  // 100 s each, 35 days together.
  for (let n = 0; n < 30_000; n += 1) held = throttle.pace(1, 1_000, acknowledged);
  expect(delays[0]).toBe(99_000);
  expect(Math.max(...delays)).toBeLessThan(2 ** 31);
  vi.useFakeTimers();
  try {
    held();
    vi.advanceTimersByTime((delays.at(-1) as number) - 1);
    expect(acknowledged).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(acknowledged).toHaveBeenCalledOnce();
  } finally {
    vi.useRealTimers();
  }
  expect(throttle.admit(1, 1)).toBeLessThan(2 ** 31);
});
