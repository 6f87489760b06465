import type { EventBus } from '#kernel/events.ts';
import type { OwnedCertificate } from './certificates.ports.ts';

/** Has the connections end that were made with these certificates; where there are none left it changes nothing. */
export function announceEnded(events: EventBus, certificates: readonly OwnedCertificate[], at: number): void {
  for (const { deviceId, deviceUid, fingerprint } of certificates) {
    events.emit('device.certificate_ended', at, { device_id: deviceId, device_uid: deviceUid, fingerprint });
  }
}
