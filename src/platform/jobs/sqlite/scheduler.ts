import { type Clock, toIso } from '#kernel/clock.ts';
import type { Component } from '#kernel/lifecycle.ts';
import type { Logger } from '#kernel/logger.ts';
import { DEFAULT_ATTEMPTS, type Definitions, type ScheduledJob } from '../definitions.ts';
import type { JobStore } from './job-store.ts';

export interface SqliteSchedulerDeps {
  readonly store: JobStore;
  readonly definitions: Definitions;
  /** Part of what a schedule is: a changed zone is a changed schedule. */
  readonly timeZone: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** After jobs were made. */
  readonly onTick: () => void;
}

export interface SqliteScheduler extends Component {
  /** Makes the ticks that are due by now. */
  wake(): void;
}

/** A longer sleep is cut into such pieces, so that a clock that was set is noticed. */
const LONGEST_SLEEP_MS = 30_000;
const TRY_AGAIN_MS = 1_000;

export function createSqliteScheduler(deps: SqliteSchedulerDeps): SqliteScheduler {
  const { store, definitions, timeZone, clock, logger, onTick } = deps;
  let isRunning = false;
  let timer: NodeJS.Timeout | undefined;

  function makeTick({ definition, schedule }: ScheduledJob, now: number): boolean {
    const last = store.lastTick(definition.name);
    const tick = last === null ? null : schedule.latest(last, now);
    if (tick === null) return false;
    store.tick(
      {
        id: `${definition.name}@${toIso(tick)}`,
        name: definition.name,
        queue: definition.queue,
        data: JSON.stringify(definition.defaultData),
        attempts: definition.attempts ?? DEFAULT_ATTEMPTS,
        dueAt: tick,
        scheduledFor: tick,
      },
      now,
    );
    return true;
  }

  function wake(): void {
    if (!isRunning) return;
    clearTimeout(timer);
    const scheduled = definitions.scheduled();
    if (scheduled.length === 0) return;
    let sleep: number;
    try {
      const now = clock.now();
      const made = scheduled.filter((job) => makeTick(job, now));
      if (made.length > 0) onTick();
      sleep = Math.min(LONGEST_SLEEP_MS, ...scheduled.map(({ schedule }) => (schedule.next(now) ?? Infinity) - now));
    } catch (error) {
      logger.error({ err: error }, 'scheduled jobs cannot be made; trying again');
      sleep = TRY_AGAIN_MS;
    }
    timer = setTimeout(wake, Math.max(sleep, 1)).unref();
  }

  return {
    name: 'job scheduler',
    wake,
    async start() {
      store.keepSchedules(
        definitions.scheduled().map(({ definition, expression }) => ({
          name: definition.name,
          expression: `${timeZone} ${expression}`,
        })),
        clock.now(),
      );
      isRunning = true;
      wake();
    },
    async stop() {
      isRunning = false;
      clearTimeout(timer);
    },
  };
}
