import type { Principal } from '#kernel/access.ts';
import type { Clock } from '#kernel/clock.ts';
import { coalesce } from '#kernel/concurrency.ts';
import type { DevicesApi } from '#modules/devices/index.ts';
import type { LedgerEntry, TelemetryStore } from '#platform/telemetry/telemetry.port.ts';
import type { IngestPipeline } from './ingest.pipeline.ts';

export interface LedgerView extends LedgerEntry {
  /** stored + merged + all rejected + inFlight */
  readonly received: number;
  /** Received by this process, and neither committed nor acknowledged yet. */
  readonly inFlight: number;
}

export interface TotalsView extends LedgerView {
  /** When it was counted, in epoch milliseconds. */
  readonly countedAt: number;
}

export interface LedgerService {
  /** @throws AppError `device_not_found` when there is none, or the principal may not see it */
  of(principal: Principal, deviceId: number): Promise<LedgerView>;
  /** The sum over all devices, at most `TOTALS_AGE_MS` old: however many ask, the store adds up once in that time. */
  totals(): Promise<TotalsView>;
}

export interface LedgerServiceDeps {
  readonly telemetry: Pick<TelemetryStore, 'ledger' | 'totals'>;
  readonly devices: Pick<DevicesApi, 'getVisible'>;
  readonly pipeline: Pick<IngestPipeline, 'inFlight' | 'backlog' | 'commitCount'>;
  readonly clock: Pick<Clock, 'monotonic' | 'now'>;
}

/** A read that commits keep overtaking is taken as it is after this many tries. */
const TRIES = 20;
/** The same for the sum, which takes longer: the items of a commit in between may be counted twice, or not yet. */
const TRIES_OF_TOTALS = 3;
export const TOTALS_AGE_MS = 1_500;

export function createLedgerService({ telemetry, devices, pipeline, clock }: LedgerServiceDeps): LedgerService {
  let known: { readonly at: number; readonly view: TotalsView } | undefined;

  /** Reads until no commit came in between, so that an item is neither counted twice nor missed. */
  async function settled(
    read: () => Promise<LedgerEntry>,
    inFlightNow: () => number,
    tries: number,
  ): Promise<LedgerView> {
    for (let attempt = 1; ; attempt += 1) {
      const commits = pipeline.commitCount();
      const entry = await read();
      if (commits !== pipeline.commitCount() && attempt < tries) continue;
      const inFlight = inFlightNow();
      let received = entry.stored + entry.merged + inFlight;
      for (const count of Object.values(entry.rejected)) received += count;
      return { ...entry, received, inFlight };
    }
  }

  const sum = coalesce(async () => {
    const at = clock.monotonic();
    const counted = await settled(() => telemetry.totals(), pipeline.backlog, TRIES_OF_TOTALS);
    const view = { ...counted, countedAt: clock.now() };
    known = { at, view };
    return view;
  });

  return {
    async of(principal, deviceId) {
      await devices.getVisible(principal, deviceId);
      return await settled(
        () => telemetry.ledger(deviceId),
        () => pipeline.inFlight(deviceId),
        TRIES,
      );
    },
    async totals() {
      if (known !== undefined && clock.monotonic() - known.at < TOTALS_AGE_MS) return known.view;
      return await sum.run();
    },
  };
}
