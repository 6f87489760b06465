import { type Clock, toIso } from '#kernel/clock.ts';
import { createMutex } from '#kernel/concurrency.ts';
import type { Component } from '#kernel/lifecycle.ts';
import type { Logger } from '#kernel/logger.ts';
import { DEFAULT_ATTEMPTS, type Definitions, type ScheduledJob } from '../definitions.ts';
import type { Asynchronous } from './job-access.ts';
import type { JobStore } from './job-store.ts';

export interface SqliteSchedulerDeps {
  readonly store: Asynchronous<JobStore>;
  readonly definitions: Definitions;
  /** Part of what a schedule is: a changed zone is a changed schedule. */
  readonly timeZone: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** After jobs were made. */
  readonly onTick: () => void;
}

export interface SqliteScheduler extends Component {
  /** Makes the ticks that are due by now; resolves when they are made. */
  wake(): Promise<void>;
}

/** A longer sleep is cut into such pieces, so that a clock that was set is noticed. */
const LONGEST_SLEEP_MS = 30_000;
const TRY_AGAIN_MS = 1_000;

export function createSqliteScheduler(deps: SqliteSchedulerDeps): SqliteScheduler {
  const { store, definitions, timeZone, clock, logger, onTick } = deps;
  let isRunning = false;
  let timer: NodeJS.Timeout | undefined;
  /** One after the other: two would make the same ticks. */
  const inTurn = createMutex();

  async function makeTick({ definition, schedule }: ScheduledJob, last: number | undefined, now: number) {
    const tick = last === undefined ? null : schedule.latest(last, now);
    if (tick === null) return false;
    await store.tick(
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

  const wake = () => inTurn(makeTicks);

  async function makeTicks(): Promise<void> {
    if (!isRunning) return;
    clearTimeout(timer);
    const scheduled = definitions.scheduled();
    if (scheduled.length === 0) return;
    let sleep: number;
    try {
      const now = clock.now();
      const last = await store.lastTicks();
      let made = 0;
      for (const job of scheduled) if (await makeTick(job, last[job.definition.name], now)) made += 1;
      if (made > 0) onTick();
      sleep = Math.min(LONGEST_SLEEP_MS, ...scheduled.map(({ schedule }) => (schedule.next(now) ?? Infinity) - now));
    } catch (error) {
      logger.error({ err: error }, 'scheduled jobs cannot be made; trying again');
      sleep = TRY_AGAIN_MS;
    }
    if (isRunning) timer = setTimeout(wake, Math.max(sleep, 1)).unref();
  }

  return {
    name: 'job scheduler',
    wake,
    async start() {
      await store.keepSchedules(
        definitions.scheduled().map(({ definition, expression }) => ({
          name: definition.name,
          expression: `${timeZone} ${expression}`,
        })),
        clock.now(),
      );
      isRunning = true;
      await wake();
    },
    async stop() {
      isRunning = false;
      await inTurn(async () => {});
      clearTimeout(timer);
    },
  };
}
