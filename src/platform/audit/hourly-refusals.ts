import { type Clock, toIso } from '#kernel/clock.ts';
import type { Component } from '#kernel/lifecycle.ts';
import type { Logger } from '#kernel/logger.ts';
import type { AuditEntry, AuditWriter, DeviceRefusal, DeviceRefusals } from './audit.port.ts';

const WINDOW_MS = 3_600_000;
/** Entries of one process in an hour, the ones that count the rest apart. */
const MOST = 600;

interface Noted {
  readonly entry: AuditEntry;
  /** After the first. */
  more: number;
}

/** One hour. */
interface Window {
  readonly startedAt: number;
  /** By the clock that nobody sets. */
  readonly endsAt: number;
  /** By device, action and reason. */
  readonly noted: Map<string, Noted>;
  /** Beyond `MOST`. */
  counted: number;
}

/**
 * Per process: the first refusal of a device for a reason is an entry at once, those that follow within the hour are one more
 * entry with their number, when the hour is over or the process stops. So a device fills the trail with a few lines an hour, and
 * all devices together with 1,201 at the most.
 */
export function createHourlyRefusals({
  audit,
  clock,
  logger,
}: {
  readonly audit: AuditWriter;
  readonly clock: Clock;
  readonly logger: Logger;
}): DeviceRefusals & Component {
  let window: Window | undefined;
  let timer: NodeJS.Timeout | undefined;
  const writing = new Set<Promise<void>>();

  function write(entry: AuditEntry): void {
    const written: Promise<void> = audit
      .record(entry)
      .catch((error: unknown) => logger.error({ err: error, entry }, 'a refusal was not written to the audit trail'))
      .finally(() => writing.delete(written));
    writing.add(written);
  }

  function settle(): void {
    const ended = window;
    window = undefined;
    if (ended === undefined) return;
    const since = toIso(ended.startedAt);
    for (const { entry, more } of ended.noted.values()) {
      if (more > 0) write({ ...entry, details: { ...entry.details, count: more, since } });
    }
    if (ended.counted === 0) return;
    const of = { action: 'device.refusals_counted', resourceType: 'device', resourceId: null } as const;
    write({ actor: null, ...of, details: { count: ended.counted, since } });
  }

  const settleLater = () => {
    if (window !== undefined && clock.monotonic() >= window.endsAt) settle();
  };

  return {
    name: 'device-refusals',
    async start() {
      timer = setInterval(settleLater, 60_000);
      timer.unref();
    },
    async stop() {
      clearInterval(timer);
      settle();
      await Promise.all(writing);
    },
    note({ deviceId, action, reason, details, origin }: DeviceRefusal) {
      settleLater();
      window ??= { startedAt: clock.now(), endsAt: clock.monotonic() + WINDOW_MS, noted: new Map(), counted: 0 };
      const key = `${deviceId} ${action} ${reason}`;
      const known = window.noted.get(key);
      if (known !== undefined) {
        known.more += 1;
        return;
      }
      if (window.noted.size >= MOST) {
        window.counted += 1;
        return;
      }
      const entry: AuditEntry = {
        actor: null,
        ...(origin === undefined ? {} : { origin }),
        ...{ action, resourceType: 'device', resourceId: String(deviceId), details: { reason, ...details } },
      };
      window.noted.set(key, { entry, more: 0 });
      write(entry);
    },
  };
}
