import { CLOCKS_DIFFER_MS, type Clock } from '#kernel/clock.ts';
import type { EventBus } from '#kernel/events.ts';
import type { Component } from '#kernel/lifecycle.ts';
import type { Logger } from '#kernel/logger.ts';
import type { DevicesApi, StatusTransition } from '#modules/devices/index.ts';
import type { DocumentCollection } from '#platform/documents/documents.port.ts';
import type { DeviceLog } from './telemetry.ports.ts';

/** The `event_type` of what the server logs of a change of status. */
export const STATUS_CHANGED = 'status_changed';

const CONFIRM_INTERVAL_MS = 1_000;
const CATCH_UP_INTERVAL_MS = 60_000;
const PAGE = 500;

/** Every transition has one entry in the log of its device. */
export interface StatusLogs extends Component {
  /** The logs of these are on disk. */
  written(transitions: readonly Pick<StatusTransition, 'id'>[]): void;
}

export interface StatusLogsDependencies {
  readonly logs: DocumentCollection<DeviceLog>;
  readonly devices: Pick<DevicesApi, 'unloggedTransitions' | 'transitionsLogged'>;
  readonly events: EventBus;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Status and log are in two stores, and a process may die between them. So each transition is noted beside the status
 * until its log is written, under an id of its own: what was cut off is made good at the start, and, where another
 * process was cut off, within two minutes. A log that was written already is left as it is.
 */
export function createStatusLogs({ logs, devices, events, clock, logger }: StatusLogsDependencies): StatusLogs {
  let done: string[] = [];
  let working: Promise<void> | undefined;
  /** By the pace of time: a clock that is put back puts nothing off. */
  let catchUpAt = 0;
  let timer: NodeJS.Timeout | undefined;

  const written: StatusLogs['written'] = (transitions) => {
    for (const { id } of transitions) done.push(id);
  };

  async function confirm(): Promise<void> {
    if (done.length === 0) return;
    const ids = done;
    done = [];
    try {
      await devices.transitionsLogged(ids);
    } catch (error) {
      done.push(...ids);
      throw error;
    }
  }

  /** Writes the logs of transitions that were noted before `before`, or while the clock was ahead. */
  async function catchUp(before: number): Promise<void> {
    for (;;) {
      const found = await devices.unloggedTransitions(before, PAGE, clock.now() + CLOCKS_DIFFER_MS);
      if (found.length === 0) return;
      await logs.insertMany(found.map(toStatusLog));
      await devices.transitionsLogged(found.map(({ id }) => id));
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
    await logs.insertMany([toStatusLog({ id, deviceId: data.device_id, from, to, at, source })]);
    written([{ id }]);
  });

  return {
    name: 'status logs',
    written,
    async start() {
      await catchUp(clock.now() + 1).catch((error: unknown) => {
        logger.warn({ err: error }, 'changes of status wait to be logged; it is tried again');
      });
      catchUpAt = clock.monotonic() + CATCH_UP_INTERVAL_MS;
      timer = setInterval(() => {
        working ??= work().finally(() => {
          working = undefined;
        });
      }, CONFIRM_INTERVAL_MS);
    },
    async stop() {
      clearInterval(timer);
      await working;
      // What cannot be confirmed now is confirmed at the next start.
      await confirm().catch(() => {});
    },
  };
}

/** The record of a transition in `device_logs`. */
export function toStatusLog(transition: Omit<StatusTransition, 'deviceUid'>): DeviceLog {
  const { from, to, source } = transition;
  return {
    id: transition.id,
    device_id: transition.deviceId,
    source: 'server',
    event_type: STATUS_CHANGED,
    level: to === 'ERROR' ? 'error' : 'info',
    message: `${from} → ${to}`,
    payload: { from, to, source },
    timestamp: transition.at,
  };
}
