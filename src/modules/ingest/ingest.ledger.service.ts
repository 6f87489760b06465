import type { Principal } from '#kernel/access.ts';
import type { DevicesApi } from '#modules/devices/index.ts';
import type { LedgerEntry, TelemetryStore } from '#platform/telemetry/telemetry.port.ts';
import type { IngestPipeline } from './ingest.pipeline.ts';

export interface LedgerView extends LedgerEntry {
  /** stored + merged + all rejected + inFlight */
  readonly received: number;
  /** Received by this process, and neither committed nor acknowledged yet. */
  readonly inFlight: number;
}

export interface LedgerService {
  /** @throws AppError `device_not_found` when there is none, or the principal may not see it */
  of(principal: Principal, deviceId: number): Promise<LedgerView>;
}

export interface LedgerServiceDeps {
  readonly telemetry: Pick<TelemetryStore, 'ledger'>;
  readonly devices: Pick<DevicesApi, 'getVisible'>;
  readonly pipeline: Pick<IngestPipeline, 'inFlight' | 'commitCount'>;
}

/** A read that commits keep overtaking is taken as it is after this many tries. */
const TRIES = 20;

export function createLedgerService({ telemetry, devices, pipeline }: LedgerServiceDeps): LedgerService {
  return {
    async of(principal, deviceId) {
      await devices.getVisible(principal, deviceId);
      // Read until no commit came in between, so that an item is neither counted twice nor missed.
      for (let attempt = 0; ; attempt += 1) {
        const commits = pipeline.commitCount();
        const entry = await telemetry.ledger(deviceId);
        if (commits !== pipeline.commitCount() && attempt < TRIES) continue;
        const inFlight = pipeline.inFlight(deviceId);
        let received = entry.stored + entry.merged + inFlight;
        for (const count of Object.values(entry.rejected)) received += count;
        return { ...entry, received, inFlight };
      }
    },
  };
}
