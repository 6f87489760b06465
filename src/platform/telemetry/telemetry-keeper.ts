import type { Clock } from '#kernel/clock.ts';
import { pause } from '#kernel/concurrency.ts';
import { isAppError } from '#kernel/errors.ts';
import type { Component } from '#kernel/lifecycle.ts';
import type { Logger } from '#kernel/logger.ts';
import type { TelemetryStore } from './telemetry.port.ts';

export interface TelemetryKeeperDependencies {
  readonly telemetry: Pick<TelemetryStore, 'rollUp' | 'seal'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Between looks for work; default: half a minute. */
  readonly pauseMs?: number;
}

/** How long an hour is over before it is rolled up: what is a little late is in it then. */
const SETTLED_MS = 5 * 60_000;
/** How long an hour is over before it is sealed: almost everything that is late is in it then. */
const SEALED_AFTER_MS = 60 * 60_000;
/** How long nothing has come into an hour that is sealed. */
const QUIET_MS = 10 * 60_000;
const PAUSE_MS = 30_000;
/** Device-hours in one step. */
const STEP = 16;

/**
 * Keeps the roll-ups up to date and seals hours in the background, for at most half of the time, so that queries have
 * their turn.
 */
export function createTelemetryKeeper({
  telemetry,
  clock,
  logger,
  pauseMs = PAUSE_MS,
}: TelemetryKeeperDependencies): Component {
  const stopped = new AbortController();
  let running: Promise<void> | undefined;

  const tasks = {
    'roll-ups could not be made': () => telemetry.rollUp({ endedBefore: clock.now() - SETTLED_MS, limit: STEP }),
    'hours could not be sealed': () =>
      telemetry.seal({
        endedBefore: clock.now() - SEALED_AFTER_MS,
        changedBefore: clock.now() - QUIET_MS,
        limit: STEP,
      }),
  };

  async function catchUp(step: () => Promise<number>): Promise<void> {
    while (!stopped.signal.aborted) {
      const begun = performance.now();
      const made = await step();
      if (made < STEP) return;
      await pause(performance.now() - begun, stopped.signal);
    }
  }

  async function run(): Promise<void> {
    while (!stopped.signal.aborted) {
      await pause(pauseMs, stopped.signal);
      for (const [trouble, step] of Object.entries(tasks)) {
        await catchUp(step).catch((error: unknown) => {
          const known = isAppError(error) && error.kind === 'unavailable';
          logger[known ? 'warn' : 'error']({ err: error }, `${trouble}; tried again later`);
        });
      }
    }
  }

  return {
    name: 'telemetry keeper',
    async start() {
      running = run();
    },
    async stop() {
      stopped.abort();
      await running;
    },
  };
}
