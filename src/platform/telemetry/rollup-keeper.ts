import type { Clock } from '#kernel/clock.ts';
import { pause } from '#kernel/concurrency.ts';
import { isAppError } from '#kernel/errors.ts';
import type { Component } from '#kernel/lifecycle.ts';
import type { Logger } from '#kernel/logger.ts';
import type { TelemetryAggregation } from './aggregation.port.ts';

export interface RollupKeeperDependencies {
  readonly telemetry: Pick<TelemetryAggregation, 'rollUp'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Between looks for work; default: half a minute. */
  readonly pauseMs?: number;
}

/** How long an hour is over before it is rolled up: what is a little late is in it then. */
const SETTLED_MS = 5 * 60_000;
const PAUSE_MS = 30_000;
/** Device-hours in one step. */
const STEP = 16;

/** Keeps the roll-ups up to date in the background, for at most half of the time, so that queries have their turn. */
export function createRollupKeeper({
  telemetry,
  clock,
  logger,
  pauseMs = PAUSE_MS,
}: RollupKeeperDependencies): Component {
  const stopped = new AbortController();
  let running: Promise<void> | undefined;

  async function catchUp(): Promise<void> {
    while (!stopped.signal.aborted) {
      const begun = performance.now();
      const made = await telemetry.rollUp({ endedBefore: clock.now() - SETTLED_MS, limit: STEP });
      if (made < STEP) return;
      await pause(performance.now() - begun, stopped.signal);
    }
  }

  async function run(): Promise<void> {
    while (!stopped.signal.aborted) {
      await pause(pauseMs, stopped.signal);
      await catchUp().catch((error: unknown) => {
        const known = isAppError(error) && error.kind === 'unavailable';
        logger[known ? 'warn' : 'error']({ err: error }, 'roll-ups could not be made; tried again later');
      });
    }
  }

  return {
    name: 'roll-ups',
    async start() {
      running = run();
    },
    async stop() {
      stopped.abort();
      await running;
    },
  };
}
