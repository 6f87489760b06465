import type { Clock } from '#kernel/clock.ts';
import { HOUR_MS } from '../aggregation/source.ts';
import type { DeviceHour } from './telemetry.rollups.ts';

type Hours = ReadonlyMap<number, ReadonlySet<number>>;

/**
 * Says which hours a change of samples touches, before it and after it: a roll-up that read the samples in between
 * is not stored then. An hour that is not over is marked once and rolled up by nobody, so that the usual batch
 * has nothing to mark.
 */
export interface ChangedHours {
  beforeChange(hours: Hours): Promise<void>;
  afterChange(hours: Hours): Promise<void>;
}

/** Hours are rolled up only when they have been over for this long, by whichever process's clock. */
export const CLOCKS_DIFFER_MS = 3 * 60_000;
const REMEMBERED = 200_000;

export function createChangedHours(mark: (hours: readonly DeviceHour[]) => Promise<void>, clock: Clock): ChangedHours {
  /** Marked, and not over when they were. */
  const marked = new Map<number, Set<number>>();
  let count = 0;

  function remember({ deviceId, hour }: DeviceHour): void {
    if (count >= REMEMBERED) {
      marked.clear();
      count = 0;
    }
    const hours = marked.get(deviceId) ?? new Set();
    marked.set(deviceId, hours);
    for (const each of hours) if (isOver(each)) hours.delete(each);
    hours.add(hour);
    count += 1;
  }

  const isOver = (hour: number) => hour + HOUR_MS <= clock.now();

  function pick(hours: Hours, wanted: (deviceId: number, hour: number) => boolean): DeviceHour[] {
    const found: DeviceHour[] = [];
    for (const [deviceId, each] of hours) {
      for (const hour of each) if (wanted(deviceId, hour)) found.push({ deviceId, hour });
    }
    return found;
  }

  return {
    async beforeChange(hours) {
      const unknown = pick(hours, (deviceId, hour) => isOver(hour) || marked.get(deviceId)?.has(hour) !== true);
      await mark(unknown);
      for (const each of unknown) if (!isOver(each.hour)) remember(each);
    },
    afterChange: (hours) => mark(pick(hours, (_, hour) => isOver(hour))),
  };
}
