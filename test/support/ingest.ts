import { systemClock } from '#kernel/clock.ts';
import { commonErrors } from '#kernel/errors.ts';
import { createId } from '#kernel/ids.ts';
import { silentLogger } from '#kernel/logger.ts';
import { CHANNELS } from '#main/channels.ts';
import type { StatusChange } from '#modules/devices/index.ts';
import { createStatusSink } from '#modules/devices/status/status.sink.ts';
import { createBatchCommitter } from '#modules/ingest/ingest.commit.ts';
import { createIngestPipeline } from '#modules/ingest/ingest.pipeline.ts';
import { DEFAULT_INGEST_LIMITS } from '#modules/ingest/ingest.ports.ts';
import { unthrottled } from '#modules/ingest/ingest.throttle.ts';
import { LOG_CHANNEL } from '#modules/telemetry/index.ts';
import type { DeviceLog } from '#modules/telemetry/telemetry.ports.ts';
import type { CommittedBatch } from '#platform/channels/channel.port.ts';
import type { AppendResult, LeftOut, TelemetryBatch } from '#platform/telemetry/telemetry.port.ts';
import { noTracing } from '#platform/tracing/no-tracing.ts';

export const NOW = Date.UTC(2026, 10, 23);
export const device = (deviceId: number) => ({ deviceId, deviceUid: `d${deviceId}` });
export const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));

/** Stores that the test holds back or fails, to see what the pipeline does meanwhile. */
function createStores() {
  /** Also those that failed. */
  const tried: TelemetryBatch[] = [];
  const appended: TelemetryBatch[] = [];
  const logs: DeviceLog[] = [];
  const statuses: StatusChange[] = [];
  const held: (() => void)[] = [];
  let holding = false;
  let failures = 0;
  /** What the stores refuse, whatever else they are asked for. */
  let refuses: (item: object) => boolean = () => false;
  const check = (items: readonly object[]) => {
    if (items.some((item) => refuses(item))) throw new Error('this cannot be stored');
  };
  /** @returns whether it is new */
  const insert = (document: DeviceLog): boolean => {
    const isNew = !logs.some((log) => log.id === document.id);
    if (isNew) logs.push(document);
    return isNew;
  };
  return {
    refuse: (which: typeof refuses) => {
      refuses = which;
    },
    appended,
    tried,
    logs,
    statuses,
    waiting: () => held.length,
    hold: () => {
      holding = true;
    },
    release: () => {
      holding = false;
      for (const go of held.splice(0)) go();
    },
    fail: (times: number) => {
      failures = times;
    },
    telemetry: {
      async append(batch: TelemetryBatch): Promise<AppendResult> {
        tried.push(batch);
        if (failures > 0) {
          failures -= 1;
          throw commonErrors.unavailable();
        }
        if (holding) await new Promise<void>((go) => held.push(go));
        const documents = (batch.logs?.documents ?? []) as readonly DeviceLog[];
        check([...batch.samples, ...batch.counts, ...documents]);
        const seen = new Set(appended.flatMap((each) => each.samples.map((s) => `${s.deviceId}:${s.timestamp}`)));
        const merged: number[] = [];
        const leftOut: LeftOut[] = [];
        for (const [index, sample] of batch.samples.entries()) {
          const key = `${sample.deviceId}:${sample.timestamp}`;
          if (sample.metrics['full'] === true) leftOut.push({ index, reason: 'sample_full' });
          else if (seen.has(key)) merged.push(index);
          seen.add(key);
        }
        appended.push(batch);
        return { merged, leftOut, newLogs: documents.map(insert) };
      },
    },
    collection: {
      insertMany: async (documents: readonly DeviceLog[]) => {
        check(documents);
        return documents.map(insert);
      },
    },
    devices: {
      applyStatuses: async (changes: readonly StatusChange[]) => {
        check(changes);
        statuses.push(...changes);
        return [];
      },
    },
  };
}

/** The pipeline with its committer on such stores. */
export function createIngest({ nextId = createId }: { readonly nextId?: () => string } = {}) {
  const stores = createStores();
  const errors: object[] = [];
  const logger = { ...silentLogger, error: (fields: object) => void errors.push(fields) } as typeof silentLogger;
  const shown: CommittedBatch[] = [];
  const status = createStatusSink({
    statuses: stores.devices,
    logs: { write: async () => {} },
    presence: { isNews: () => false },
    logger,
  });
  const flow = { sinks: [status], channels: CHANNELS };
  const committer = createBatchCommitter({
    telemetry: stores.telemetry as never,
    sinks: flow.sinks,
    documents: { name: 'log', channel: LOG_CHANNEL, collection: stores.collection as never },
    maxNames: DEFAULT_INGEST_LIMITS.maxNames,
    logger,
    listeners: [{ name: 'shown', committed: (batch) => void shown.push(batch) }],
  });
  const pipeline = createIngestPipeline({
    ...flow,
    tracing: noTracing,
    committer,
    clock: { ...systemClock, now: () => NOW },
    logger,
    limits: DEFAULT_INGEST_LIMITS,
    throttle: unthrottled,
    nextId,
  });
  return { stores, pipeline, committer, errors, shown };
}

/** Sends one message; resolves when it is acknowledged. */
export function send(
  pipeline: ReturnType<typeof createIngest>['pipeline'],
  id: number,
  channel: 'telemetry' | 'status' | 'log' | 'response',
  payload: Buffer,
) {
  return new Promise<void>((acknowledge) => pipeline.receive({ device: device(id), channel, payload }, acknowledge));
}

/** A small one. */
export const REQUEST = { bytes: 100, span: null };

/** Reason → count in the ledger of a device. */
export const rejectedOf = (stores: ReturnType<typeof createStores>, id: number) => {
  const total: Record<string, number> = {};
  for (const { counts } of stores.appended) {
    for (const count of counts) {
      if (count.deviceId !== id) continue;
      for (const [reason, n] of Object.entries(count.rejected ?? {})) total[reason] = (total[reason] ?? 0) + n;
    }
  }
  return total;
};
