import { expect, test } from 'vitest';
import { slopeOf } from './slope.ts';

test('the slope is that of the line between points that lie on both sides of it', () => {
  const points = [0, 1, 2, 3, 4, 5].map((x) => ({ x, y: 7 - 3 * x }));
  expect(slopeOf(points)).toBeCloseTo(-3, 12);
  // Seven too high at the edge, 2.5 from the middle: 7 × 2.5 / 17.5 steeper.
  expect(slopeOf(points.map(({ x, y }) => ({ x, y: x === 0 ? y + 7 : y })))).toBeCloseTo(-4, 12);
  expect(slopeOf(points.map(({ x }) => ({ x, y: 5 })))).toBe(0);
});
