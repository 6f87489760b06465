import { Cron } from 'croner';

/** A cron expression in a time zone. Instants are epoch milliseconds. */
export interface Schedule {
  /** The first tick after `after`; null when there is none any more. */
  next(after: number): number | null;
  /** The last tick after `after`, up to and including `now`; null when there is none. */
  latest(after: number, now: number): number | null;
}

/** @throws when the expression is not valid */
export function createSchedule(expression: string, timeZone: string): Schedule {
  const cron = new Cron(expression, { timezone: timeZone, paused: true, mode: '5-or-6-parts' });
  return {
    next: (after) => cron.nextRun(new Date(after))?.getTime() ?? null,
    latest(after, now) {
      // Its previous runs lie before a whole second; a tick in this very one counts too.
      const tick = cron.previousRuns(1, new Date(Math.floor(now / 1_000) * 1_000 + 1_000))[0]?.getTime();
      return tick === undefined || tick <= after ? null : tick;
    },
  };
}
