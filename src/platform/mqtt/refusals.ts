import { LRUCache } from 'lru-cache';
import type { Clock } from '#kernel/clock.ts';
import type { DownlinkRefusal } from './downlink.port.ts';
import { DEVICE_UID } from './mqtt.port.ts';

const KEPT_DEVICES = 1_000;
const KEPT_EACH = 10;

/** The last refusals, by the `device_uid` that a connection has or claims to have. Bounded, whoever claims what. */
export class Refusals {
  readonly #clock: Clock;
  readonly #known = new LRUCache<string, readonly DownlinkRefusal[]>({ max: KEPT_DEVICES });

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  note(deviceUid: string, reason: string, ipAddress: string | null): void {
    if (!DEVICE_UID.test(deviceUid)) return;
    const refusal = { at: this.#clock.now(), reason, ipAddress };
    this.#known.set(deviceUid, [refusal, ...this.of(deviceUid)].slice(0, KEPT_EACH));
  }

  /** Newest first. */
  of(deviceUid: string): readonly DownlinkRefusal[] {
    return this.#known.get(deviceUid) ?? [];
  }
}
