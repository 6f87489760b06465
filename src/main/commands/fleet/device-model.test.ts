import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRandom, MODEL_NAMES, readingAt } from './device-model.ts';

const MIDNIGHT = Date.UTC(2026, 10, 23);
const HOUR = 3_600_000;

describe('a simulated device', () => {
  test('reads the same at the same instant, and every value is finite', () => {
    fc.assert(
      fc.property(fc.constantFrom(...MODEL_NAMES), fc.nat(10_000), fc.nat(7 * 24 * 3600), (model, seed, second) => {
        const at = MIDNIGHT + second * 1000;
        const reading = readingAt(model, seed, at);
        expect(readingAt(model, seed, at)).toEqual(reading);
        for (const value of Object.values(reading.metrics))
          expect(typeof value === 'boolean' || Number.isFinite(value)).toBe(true);
      }),
    );
  });

  test('it is warmer in the afternoon than at night', () => {
    const meanAround = (hour: number) => {
      const readings = Array.from({ length: 600 }, (_, i) =>
        readingAt('thermometer', 1, MIDNIGHT + hour * HOUR + i * 1000),
      );
      const usual = readings
        .filter((reading) => !reading.anomalous)
        .map((reading) => Number(reading.metrics['temperature']));
      return usual.reduce((sum, value) => sum + value, 0) / usual.length;
    };
    expect(meanAround(16)).toBeGreaterThan(meanAround(4) + 4);
  });

  test('an anomaly comes now and then, and most readings are usual', () => {
    const readings = Array.from({ length: 3600 }, (_, i) =>
      readingAt('power_meter', 3, MIDNIGHT + 12 * HOUR + i * 1000),
    );
    const anomalous = readings.filter((reading) => reading.anomalous).length;
    expect(anomalous).toBeGreaterThan(0);
    expect(anomalous).toBeLessThan(readings.length / 5);
  });

  test('the random numbers are spread over [0, 1)', () => {
    const random = createRandom(42);
    const values = Array.from({ length: 1000 }, random);
    expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...values)).toBeLessThan(1);
    expect(new Set(values).size).toBeGreaterThan(990);
  });
});
