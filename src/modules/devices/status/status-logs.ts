import { CLOCKS_DIFFER_MS, type Clock } from '#kernel/clock.ts';
import { repeat } from '#kernel/concurrency.ts';
import type { EventBus } from '#kernel/events.ts';
import type { Component } from '#kernel/lifecycle.ts';
import type { Logger } from '#kernel/logger.ts';
import type { StatusTransition } from '../devices.ports.ts';
import type { StatusLog, TransitionOutbox } from './status.ports.ts';

const CONFIRM_INTERVAL_MS = 1_000;
const CATCH_UP_INTERVAL_MS = 60_000;
const PAGE = 500;

/** Every transition has one entry in the log of its device. */
export interface StatusLogs extends Component {
  /** Logs these; they are in the log when it resolves. @throws what the log failed with: calling again is safe */
  write(transitions: readonly LoggedTransition[]): Promise<void>;
}

type LoggedTransition = Omit<StatusTransition, 'deviceUid'>;

export interface StatusLogsDependencies {
  readonly log: StatusLog;
  readonly outbox: TransitionOutbox;
  readonly events: EventBus;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Status and log are in two stores, and a process may die between them. So each transition is noted beside the status
 * until its log is written, under an id of its own: what was cut off is made good at the start, and, where another
 * process was cut off, within two minutes. A log that was written already is left as it is.
 */
export function createStatusLogs({ log, outbox, events, clock, logger }: StatusLogsDependencies): StatusLogs {
  let done: string[] = [];
  /** By the pace of time: a clock that is put back puts nothing off. */
  let catchUpAt = 0;

  async function write(transitions: readonly LoggedTransition[]): Promise<void> {
    if (transitions.length === 0) return;
    await log.append(transitions);
    for (const { id } of transitions) done.push(id);
  }

  async function confirm(): Promise<void> {
    if (done.length === 0) return;
    const ids = done;
    done = [];
    try {
      await outbox.logged(ids);
    } catch (error) {
      done.push(...ids);
      throw error;
    }
  }

  /** Writes the logs of transitions that were noted before `before`, or while the clock was ahead. */
  async function catchUp(before: number): Promise<void> {
    for (;;) {
      const found = await outbox.unlogged(before, PAGE, clock.now() + CLOCKS_DIFFER_MS);
      if (found.length === 0) return;
      await log.append(found);
      await outbox.logged(found.map(({ id }) => id));
    }
  }

  async function work(): Promise<void> {
    try {
      await confirm();
      if (clock.monotonic() < catchUpAt) return;
      catchUpAt = clock.monotonic() + CATCH_UP_INTERVAL_MS;
      await catchUp(clock.now() - CATCH_UP_INTERVAL_MS);
    } catch (error) {
      logger.warn({ err: error }, 'changes of status wait to be logged; it is tried again');
    }
  }

  // Transitions that come from devices are logged before they are acknowledged; these have nobody who waits.
  events.on('device.status_changed', async ({ at, data }) => {
    const { transition_id: id, source, from, to } = data;
    if (source === 'connection' || source === 'message') return;
    await write([{ id, deviceId: data.device_id, from, to, at, source }]);
  });

  const repeated = repeat(CONFIRM_INTERVAL_MS, work);

  return {
    name: 'status logs',
    write,
    async start() {
      await catchUp(clock.now() + 1).catch((error: unknown) => {
        logger.warn({ err: error }, 'changes of status wait to be logged; it is tried again');
      });
      catchUpAt = clock.monotonic() + CATCH_UP_INTERVAL_MS;
      repeated.start();
    },
    async stop() {
      await repeated.stop();
      // What cannot be confirmed now is confirmed at the next start.
      await confirm().catch(() => {});
    },
  };
}
