import { type Clock, toIso } from '#kernel/clock.ts';
import type { EventBus } from '#kernel/events.ts';
import { announceEnded } from './certificates.events.ts';
import type { CertificateStore, EndingSpan } from './certificates.ports.ts';

const DAY_MS = 86_400_000;
const WARN_BEFORE_DAYS = 30;
const KEEP_MS = 90 * DAY_MS;
/** Of the job, and what it may be late. */
const CUT_WITHIN_MS = 3 * 3_600_000;
const PAGE = 200;

export interface CertificateEndsDeps {
  readonly store: CertificateStore;
  readonly clock: Clock;
  readonly events: EventBus;
}

export type CertificateEnds = ReturnType<typeof createCertificateEnds>;

/** Certificates that are about to end. */
export function createCertificateEnds({ store, clock, events }: CertificateEndsDeps) {
  const span = (days = WARN_BEFORE_DAYS): EndingSpan => ({
    after: clock.now(),
    until: clock.now() + days * DAY_MS,
  });
  return {
    /** In use, not revoked, without a later one in use: devices that will not log in unless something is done. */
    count: (): Promise<number> => store.countEnding(span()),

    /** Tells of each once. @returns of how many */
    async warn(signal: AbortSignal, withinDays?: number): Promise<number> {
      let warned = 0;
      while (!signal.aborted) {
        const found = await store.ending(span(withinDays), { limit: PAGE });
        for (const { id, deviceId, deviceUid, serial, issuer, notAfter } of found) {
          const now = clock.now();
          const isFirst = await store.transaction(async (writer, audit) => {
            if (!(await writer.markWarned(id, now))) return false;
            const on = { resourceType: 'device', resourceId: String(deviceId) };
            const details = { device_uid: deviceUid, serial, issuer, not_after: toIso(notAfter) };
            await audit.record({ actor: null, action: 'certificate.ending', ...on, details });
            return true;
          });
          if (!isFirst) continue;
          warned += 1;
          const device = { device_id: deviceId, device_uid: deviceUid };
          events.emit('device.certificate_ending', now, { ...device, serial, not_after: notAfter });
        }
        if (found.length < PAGE) break;
      }
      return warned;
    },

    /**
     * Has connections cut that were made with certificates that have ended since; where there is none left it changes nothing.
     * @returns how many have ended
     */
    async cut(signal: AbortSignal): Promise<number> {
      const now = clock.now();
      let ended = 0;
      for (let afterId = 0; !signal.aborted; ) {
        const found = await store.ended({ after: now - CUT_WITHIN_MS, until: now }, afterId, PAGE);
        announceEnded(events, found, now);
        ended += found.length;
        const last = found.at(-1);
        if (last === undefined || found.length < PAGE) break;
        afterId = last.id;
      }
      return ended;
    },

    /** @returns how many */
    async forget(signal: AbortSignal): Promise<number> {
      let forgotten = 0;
      while (!signal.aborted) {
        const removed = await store.removeEnded(clock.now() - KEEP_MS, PAGE);
        forgotten += removed;
        if (removed < PAGE) break;
      }
      return forgotten;
    },
  };
}
