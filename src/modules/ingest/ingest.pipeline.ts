import { LRUCache } from 'lru-cache';
import type { Clock } from '#kernel/clock.ts';
import { commonErrors } from '#kernel/errors.ts';
import type { Component } from '#kernel/lifecycle.ts';
import type { Logger } from '#kernel/logger.ts';
import type { Channel, Sink } from '#platform/channels/channel.port.ts';
import type { IncomingMessage, MqttDevice } from '#platform/mqtt/mqtt.port.ts';
import type { Span, Tracing } from '#platform/tracing/tracing.port.ts';
import { type Arrival, type ConnectionArrival, createArrivalQueue } from './ingest.arrivals.ts';
import { type Batch, type BatchResult, beginCommit, createBatch, endTraces, itemsOf } from './ingest.batch.ts';
import type { BatchCommitter } from './ingest.commit.ts';
import { ingestErrors } from './ingest.errors.ts';
import { createIntake } from './ingest.intake.ts';
import type { IngestLimits, ItemOutcome, RejectReason } from './ingest.ports.ts';
import type { DeviceThrottle } from './ingest.throttle.ts';

/** Items that close a batch. Larger ones commit more a second but hold the event loop while they are encoded. */
const MAX_BATCH_ITEMS = 4_000;
/** Items that are parsed from the queue before others have their turn. */
const ITEMS_A_TURN = 1_000;
/** Commits on their way at a time: the second keeps the store's thread busy while this one forms the next. */
const MAX_COMMITS = 2;
/**
 * A commit costs about a millisecond of work on top of its items (a row for each device in it, the fsync, a
 * write to each connection), so under load they start at most this often. After a small commit the next one
 * waits for nothing.
 */
const COMMIT_INTERVAL_MS = 5;
const SMALL_COMMIT_ITEMS = 50;
/** Items that are worth a commit of their own at any time. */
const FULL_COMMIT_ITEMS = 500;
/** What waits above which HTTP ingest is refused (MQTT is slowed by its unread sockets instead). */
const MAX_WAITING_ITEMS = 50_000;
const MAX_WAITING_HTTP_BYTES = 64 * 1024 * 1024;
const REJECT_LOG_INTERVAL_MS = 60_000;
const REMEMBERED_REJECT_LOGS = 10_000;

/** What the pipeline has to know of a request beside its items. */
export interface IngestRequest {
  /** How large its body was. */
  readonly bytes: number;
  /** Null: it is not recorded. */
  readonly span: Span | null;
}

export interface IngestPipeline extends Component {
  /** One MQTT message. `acknowledge` is called once, after what it became is committed. */
  receive(message: IncomingMessage, acknowledge: () => void): void;
  /**
   * The items of one HTTP request, each as it would be the payload of a message; resolves after they are committed.
   * @throws AppError `ingest_overloaded`, `rate_limited`; nothing was taken then
   */
  receiveItems(
    device: MqttDevice,
    channel: string,
    items: readonly Buffer[],
    request: IngestRequest,
  ): Promise<readonly ItemOutcome[]>;
  /** The broker's own signal, in order with the device's messages. */
  connection(device: MqttDevice, change: Pick<ConnectionArrival, 'isConnected' | 'ipAddress' | 'by'>): void;
  /** A refusal that never became a message, for the ledger; `acknowledge` is called after it is counted. */
  refused(device: MqttDevice, reason: RejectReason, acknowledge: () => void): void;
  /** Items of a device that were received and are not committed yet. */
  inFlight(deviceId: number): number;
  /** Items of all devices that were received and are not committed yet. */
  backlog(): number;
  /** Grows with every commit: what was read from the stores between two equal values fits `inFlight`. */
  commitCount(): number;
}

/**
 * receive → parse → validate → batch → commit → acknowledge. One group commit serves all that arrived while
 * the former one was on its way, so its size follows the load; under load a few milliseconds are added. While the store is
 * slow, acknowledgements stay out, so the broker stops reading: nothing is dropped, and memory stays bounded, because
 * only as much is parsed as the next batch takes.
 */
export function createIngestPipeline({
  channels,
  sinks,
  committer,
  clock,
  logger,
  limits,
  throttle,
  tracing,
  nextId,
}: {
  readonly channels: readonly Channel[];
  readonly sinks: readonly Sink[];
  readonly committer: BatchCommitter;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: IngestLimits;
  readonly throttle: DeviceThrottle;
  readonly tracing: Tracing;
  /** Ids of logs without a time of their own, in order. */
  readonly nextId: () => string;
}): IngestPipeline {
  const queue = createArrivalQueue();
  const committing = new Set<Batch>();
  const loggedRejects = new LRUCache<string, true>({ max: REMEMBERED_REJECT_LOGS, ttl: REJECT_LOG_INTERVAL_MS });
  const take = createIntake({ channels, sinks, limits, throttle, nextId, onRejected: logRejection });
  let current = createBatch();
  let scheduled = false;
  let nextCommitAt = 0;
  let commits = 0;
  let timer: NodeJS.Timeout | undefined;
  let stopping = false;
  let whenIdle: (() => void) | undefined;

  function arrive(arrival: Arrival): void {
    if (queue.isEmpty() && current.items < MAX_BATCH_ITEMS) take(current, arrival);
    else queue.push(arrival);
    schedule();
  }

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    setImmediate(flush);
  }

  function flush(): void {
    scheduled = false;
    refill();
    while (committing.size < MAX_COMMITS) {
      const batch = takeCurrent(stopping);
      if (batch === undefined) break;
      void commit(batch);
    }
    if (!queue.isEmpty() && current.items < MAX_BATCH_ITEMS) schedule();
    else if (committing.size === 0 && current.items === 0) whenIdle?.();
  }

  /** From the queue, as much as one turn of the event loop may take. */
  function refill(): void {
    const enough = Math.min(MAX_BATCH_ITEMS, current.items + ITEMS_A_TURN);
    while (current.items < enough) {
      const arrival = queue.shift();
      if (arrival === undefined) return;
      take(current, arrival);
    }
  }

  function takeCurrent(now: boolean): Batch | undefined {
    if (current.items === 0) return undefined;
    const waitMs = nextCommitAt - performance.now();
    if (waitMs > 0 && current.items < FULL_COMMIT_ITEMS && !now) {
      if (timer === undefined) {
        timer = setTimeout(() => {
          timer = undefined;
          flush();
        }, waitMs);
      }
      return undefined;
    }
    const batch = current;
    current = createBatch();
    return batch;
  }

  async function commit(batch: Batch): Promise<void> {
    committing.add(batch);
    nextCommitAt = performance.now() + (batch.items > SMALL_COMMIT_ITEMS ? COMMIT_INTERVAL_MS : 0);
    beginCommit(batch);
    const result = await committer.commit(batch);
    committing.delete(batch);
    commits += 1;
    logRejections(batch, result);
    for (const observe of batch.observers) observe(result);
    for (const acknowledge of batch.acknowledgements) acknowledge();
    endTraces(batch);
    flush();
  }

  function logRejection({ deviceId, deviceUid }: MqttDevice, reason: RejectReason, error?: unknown): void {
    const key = `${deviceId}:${reason}`;
    if (loggedRejects.has(key)) return;
    loggedRejects.set(key, true);
    if (error === undefined) logger.warn({ device_uid: deviceUid, reason }, 'message rejected');
    else logger.error({ device_uid: deviceUid, reason, err: error }, 'message failed by a bug');
  }

  /** What the stores left out. Those who refused an item have logged it themselves. */
  function logRejections(batch: Batch, { leftOutSamples, outcomes }: BatchResult): void {
    const rejected = (deviceId: number, reason: RejectReason) =>
      logRejection({ deviceId, deviceUid: batch.devices.get(deviceId) ?? '' }, reason);
    for (const [index, reason] of leftOutSamples) rejected(batch.samples[index]?.deviceId ?? 0, reason);
    for (const [{ deviceId }, outcome] of outcomes) {
      if (outcome !== 'stored' && outcome !== 'merged' && outcome !== 'not_storable') rejected(deviceId, outcome);
    }
  }

  function waitingFor(): { items: number; httpBytes: number } {
    const sum = { items: current.items + queue.items(), httpBytes: current.httpBytes + queue.httpBytes() };
    for (const batch of committing) {
      sum.items += batch.items;
      sum.httpBytes += batch.httpBytes;
    }
    return sum;
  }

  return {
    name: 'ingest',
    receive({ device, channel, payload }, acknowledge) {
      const span = tracing.samples() ? tracing.begin(`receive ${channel}`, 'consumer', about(device, payload)) : null;
      arrive({ kind: 'message', device, channel, receivedAt: clock.now(), payload, acknowledge, span });
    },
    async receiveItems(device, channel, items, { bytes, span }) {
      const ahead = waitingFor();
      const isTooMuch = ahead.items + items.length > MAX_WAITING_ITEMS;
      if (committer.isStalled() || isTooMuch || ahead.httpBytes + bytes > MAX_WAITING_HTTP_BYTES) {
        throw ingestErrors.ingest_overloaded({ details: { retryAfterSeconds: 5 } });
      }
      const waitMs = throttle.admit(device.deviceId, items.length);
      if (waitMs > 0) throw commonErrors.rate_limited({ details: { retryAfterSeconds: waitMs / 1_000 } });
      return await new Promise((settle) => {
        arrive({ kind: 'request', device, channel, receivedAt: clock.now(), items, bytes, span, settle });
      });
    },
    connection(device, change) {
      arrive({ kind: 'connection', device, receivedAt: clock.now(), ...change });
    },
    refused(device, reason, acknowledge) {
      arrive({ kind: 'refusal', device, receivedAt: clock.now(), reason, acknowledge });
    },
    inFlight(deviceId) {
      let count = queue.itemsOf(deviceId) + itemsOf(current, deviceId);
      for (const batch of committing) count += itemsOf(batch, deviceId);
      return count;
    },
    backlog: () => waitingFor().items,
    commitCount: () => commits,
    async stop(signal) {
      stopping = true;
      committer.giveUpOn(signal);
      if (current.items === 0 && queue.isEmpty() && committing.size === 0) return;
      await new Promise<void>((resolve) => {
        whenIdle = resolve;
        flush();
      });
    },
  };
}

/** https://opentelemetry.io/docs/specs/semconv/messaging/ */
function about({ deviceUid }: MqttDevice, payload: Buffer) {
  return {
    'messaging.system': 'mqtt',
    'messaging.operation.type': 'process',
    'messaging.message.body.size': payload.length,
    'core_api.device_uid': deviceUid,
  };
}
