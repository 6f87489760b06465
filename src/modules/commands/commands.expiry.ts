import type { Clock } from '#kernel/clock.ts';
import { coalesce } from '#kernel/concurrency.ts';
import type { Logger } from '#kernel/logger.ts';
import type { CommandStore } from './commands.ports.ts';
import type { CommandRecorder } from './commands.recorder.ts';

/** Commands that expire in one transaction. */
const PAGE = 500;
/** What expires later is left to the next look, in milliseconds. */
const AHEAD_MS = 60_000;

/** Ends commands when their time is over. */
export interface CommandExpiry {
  /** Ends those that are past their time. @returns how many @throws AppError `unavailable` */
  run(): Promise<number>;
  /** One expires then, epoch milliseconds. */
  expect(expiresAt: number): void;
  stop(): Promise<void>;
}

export function createCommandExpiry({
  store,
  recorder,
  clock,
  logger,
}: {
  readonly store: CommandStore;
  readonly recorder: CommandRecorder;
  readonly clock: Clock;
  readonly logger: Logger;
}): CommandExpiry {
  let timer: NodeJS.Timeout | undefined;
  let due = Number.POSITIVE_INFINITY;
  let isStopped = false;

  const work = coalesce(async () => {
    let expired = 0;
    for (;;) {
      const at = clock.now();
      const { steps } = await store.transaction(async (writer) => {
        const signal = { kind: 'time', at } as const;
        const found = await writer.listExpired(at, PAGE);
        return await recorder.apply(
          writer,
          found.map(({ commandId }) => ({ commandId, signal, at })),
        );
      });
      recorder.announce(steps);
      expired += steps.length;
      if (steps.length < PAGE) break;
    }
    const next = await store.nextExpiry();
    if (next !== null) expect(next);
    return expired;
  });

  function expect(expiresAt: number): void {
    const now = clock.now();
    if (isStopped || expiresAt >= due || expiresAt > now + AHEAD_MS) return;
    clearTimeout(timer);
    due = expiresAt;
    timer = setTimeout(
      () => {
        due = Number.POSITIVE_INFINITY;
        // Not stored now, the job does it within a minute.
        work.run().catch((error: unknown) => logger.warn({ err: error }, 'commands were not ended in time'));
      },
      Math.max(expiresAt - now, 1),
    );
    timer.unref();
  }

  return {
    run: work.run,
    expect,
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await work.current()?.catch(() => {});
    },
  };
}
