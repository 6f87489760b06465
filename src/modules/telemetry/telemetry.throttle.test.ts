import { expect, test } from 'vitest';
import { createTestClock } from '#test/support/clock.ts';
import { createDeviceThrottle } from './telemetry.throttle.ts';

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
