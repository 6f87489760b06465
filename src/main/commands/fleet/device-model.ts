/**
 * How a simulated device behaves: pure functions of time and a seed, so that a fleet looks the same each
 * time and a test can look at a day of it.
 */

export const MODEL_NAMES = ['thermometer', 'power_meter', 'pump', 'air_quality'] as const;
export type ModelName = (typeof MODEL_NAMES)[number];

export interface Reading {
  readonly metrics: Readonly<Record<string, number | boolean>>;
  /** Whether this reading belongs to an anomaly. */
  readonly anomalous: boolean;
}

const DAY_MS = 86_400_000;
/** An anomaly starts about this often and lasts this long. */
const ANOMALY_EVERY_MS = 10 * 60_000;
const ANOMALY_LASTS_MS = 40_000;

/** Mulberry32: a small, well-spread pseudo-random generator. Returns numbers in [0, 1). */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** What device number `seed` of a model reads at an instant (epoch milliseconds). */
export function readingAt(model: ModelName, seed: number, at: number): Reading {
  const own = createRandom(seed);
  const character = { offset: own() - 0.5, phase: own() * 0.1, anomalyShift: own() * ANOMALY_EVERY_MS };
  const random = createRandom(seed ^ Math.floor(at / 100));
  /** About normal with standard deviation 1: the sum of twelve uniforms (Irwin-Hall). */
  const noise = () => Array.from({ length: 12 }, random).reduce((sum, value) => sum + value, -6);
  // −1 at four in the night, +1 at four in the afternoon.
  const daily = -Math.cos(2 * Math.PI * (((at % DAY_MS) / DAY_MS - 4 / 24 + character.phase) % 1));
  const anomalous = (at + character.anomalyShift) % ANOMALY_EVERY_MS < ANOMALY_LASTS_MS;
  const round = (value: number, digits: number) => Number(value.toFixed(digits));

  switch (model) {
    case 'thermometer': {
      const temperature = 21 + 3 * character.offset + 3.5 * daily + 0.15 * noise() + (anomalous ? 15 : 0);
      return {
        anomalous,
        metrics: { temperature: round(temperature, 2), humidity: round(48 - 8 * daily + 0.5 * noise(), 1) },
      };
    }
    case 'power_meter': {
      const watts = Math.max(0, 900 + 400 * character.offset + 650 * daily + 40 * noise()) * (anomalous ? 3 : 1);
      return {
        anomalous,
        metrics: { power_w: round(watts, 1), voltage: round(230 + 1.5 * noise(), 1), current: round(watts / 230, 2) },
      };
    }
    case 'pump': {
      const running = daily > -0.6;
      const pressure = running ? 4.2 + 0.4 * character.offset + 0.05 * noise() - (anomalous ? 2 : 0) : 0.1;
      return {
        anomalous: anomalous && running,
        metrics: {
          running,
          pressure_bar: round(pressure, 2),
          vibration: round(running ? 1.2 + 0.1 * noise() + (anomalous ? 4 : 0) : 0, 2),
        },
      };
    }
    case 'air_quality': {
      const co2 = 620 + 120 * character.offset + 260 * daily + 15 * noise() + (anomalous ? 1_500 : 0);
      return {
        anomalous,
        metrics: { co2_ppm: Math.round(Math.max(400, co2)), pm2_5: round(Math.max(0, 9 + 4 * daily + noise()), 1) },
      };
    }
  }
}
