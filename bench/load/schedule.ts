import { createHistogram, type LatencySummary } from '../support/histogram.ts';

/** Every load: `warmupSeconds` that count for nothing, then `seconds` that do. */
export interface Phase {
  readonly warmupSeconds: number;
  readonly seconds: number;
}

/** Of a load over several connections at a constant rate. */
export interface Pace {
  /** Messages a second over all connections. */
  readonly rate: number;
  /** A connection sends what is due together, once in so many milliseconds. */
  readonly burstMs: number;
  readonly connections: number;
}

/** When message `n` (from 0) of a connection is due, ms after the start. */
export function dueAfter({ rate, burstMs, connections }: Pace, connection: number, n: number): number {
  const interval = (1000 * connections) / rate;
  return (burstMs * connection) / connections + Math.ceil((n * interval) / burstMs) * burstMs;
}

export interface LoadFigures {
  /** Completed a second, in the measured window. */
  readonly rate: number;
  /** Of what was due (open loop) or sent (closed loop) in the measured window, however late it completed. */
  readonly latency: LatencySummary;
  /** Cores that the generator itself used since the warm-up; near 1 it measures itself. */
  readonly generatorCores: number;
}

/** Keeps the books of one load: what falls into the measured window, and what the generator itself costs. */
export function createStopwatch({ warmupSeconds, seconds }: Phase) {
  const startsAt = performance.now();
  const opensAt = startsAt + warmupSeconds * 1000;
  const closesAt = opensAt + seconds * 1000;
  const histogram = createHistogram();
  let completed = 0;
  let before = process.cpuUsage();
  const open = setTimeout(() => {
    before = process.cpuUsage();
  }, warmupSeconds * 1000);

  return {
    startsAt,
    closesAt,
    completed(dueAt: number, now: number): void {
      if (now >= opensAt && now < closesAt) completed += 1;
      if (dueAt >= opensAt && dueAt < closesAt) histogram.record(now - dueAt);
    },
    /** At the end, when everything is answered. */
    figures(): LoadFigures {
      clearTimeout(open);
      const used = process.cpuUsage(before);
      const generatorCores = (used.user + used.system) / 1000 / (performance.now() - opensAt);
      return { rate: completed / seconds, latency: histogram.summary(), generatorCores };
    },
  };
}
