import { setTimeout as delay } from 'node:timers/promises';
import { isAppError } from '#kernel/errors.ts';
import type { Logger } from '#kernel/logger.ts';
import type { DevicesApi, StatusTransition } from '#modules/devices/index.ts';
import type { DocumentCollection } from '#platform/documents/documents.port.ts';
import type { TelemetryStore } from '#platform/telemetry/telemetry.port.ts';
import { type Batch, type BatchResult, ledgerCounts } from './telemetry.batch.ts';
import type { DeviceLog } from './telemetry.ports.ts';

const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 5_000;

export interface BatchCommitter {
  /**
   * Makes a batch durable, however long that takes; batches become durable in the order of the calls.
   * Never rejects. After `giveUpOn` aborts it stays pending while the store is away: what is in the batch
   * was not acknowledged and will be sent again.
   */
  commit(batch: Batch): Promise<BatchResult>;
  /** Whether the last try failed: the store is away and work waits. */
  isStalled(): boolean;
  giveUpOn(signal: AbortSignal): void;
}

export interface CommitterDependencies {
  readonly telemetry: TelemetryStore;
  readonly logs: DocumentCollection<DeviceLog>;
  readonly devices: Pick<DevicesApi, 'applyStatuses'>;
  readonly logger: Logger;
  /** Ids of logs, in order: transitions within one millisecond are listed in theirs. */
  readonly nextId: () => string;
  /** Called with each batch once it is durable, before it is acknowledged. Must not throw. */
  readonly onCommitted: (batch: Batch) => void;
}

/** Status → logs → samples and ledger, in this order: the ledger counts only what is already stored. */
export function createBatchCommitter(dependencies: CommitterDependencies): BatchCommitter {
  const { telemetry, logs, devices, logger, nextId, onCommitted } = dependencies;
  /** Resolves when every earlier batch is done with status and logs, which keeps them in order. */
  let prepared: Promise<unknown> = Promise.resolve();
  let preparing = 0;
  let failures = 0;
  let giveUp: AbortSignal | undefined;

  /** Repeats until it succeeds. Every step is idempotent, so a step that failed halfway is safe to repeat. */
  async function insist<T>(step: () => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        const value = await step();
        if (attempt > 0) {
          failures -= 1;
          logger.info({ attempts: attempt + 1 }, 'the store is back');
        }
        return value;
      } catch (error) {
        if (attempt === 0) failures += 1;
        const known = isAppError(error) && error.kind === 'unavailable';
        logger[known ? 'warn' : 'error'](
          { err: error, attempt },
          'the store does not take a batch; it is kept and tried again',
        );
        if (giveUp?.aborted === true) return await new Promise<never>(() => {});
        await delay(Math.min(FIRST_RETRY_MS * 2 ** attempt, LONGEST_RETRY_MS), undefined, { ref: false });
      }
    }
  }

  async function prepare(batch: Batch): Promise<readonly boolean[]> {
    if (batch.statuses.length === 0 && batch.logs.length === 0) return [];
    const transitions = batch.statuses.length === 0 ? [] : await insist(() => devices.applyStatuses(batch.statuses));
    const documents = [...batch.logs, ...transitions.map((transition) => toStatusLog(nextId(), transition))];
    if (documents.length === 0) return [];
    return await insist(() => logs.insertMany(documents));
  }

  return {
    async commit(batch) {
      let newLogs: readonly boolean[] = [];
      if (preparing > 0 || batch.statuses.length > 0 || batch.logs.length > 0) {
        preparing += 1;
        const mine = prepared.then(() => prepare(batch));
        prepared = mine;
        newLogs = await mine;
        preparing -= 1;
      }
      const counts = ledgerCounts(batch, newLogs);
      let mergedSamples: ReadonlySet<number> = new Set();
      if (batch.samples.length > 0 || counts.length > 0) {
        const { merged } = await insist(() => telemetry.append({ samples: batch.samples, counts }));
        mergedSamples = new Set(merged);
      }
      onCommitted(batch);
      return { mergedSamples, newLogs };
    },
    isStalled: () => failures > 0,
    giveUpOn(signal) {
      giveUp = signal;
    },
  };
}

/** The record of a transition in `device_logs`. */
export function toStatusLog(id: string, transition: Omit<StatusTransition, 'deviceUid'>): DeviceLog {
  const { from, to, source } = transition;
  return {
    id,
    device_id: transition.deviceId,
    event_type: 'status_changed',
    level: to === 'ERROR' ? 'error' : 'info',
    message: `${from} → ${to}`,
    payload: { from, to, source },
    timestamp: transition.at,
  };
}
