import { LRUCache } from 'lru-cache';
import type { Clock } from '#kernel/clock.ts';
import type { Component } from '#kernel/lifecycle.ts';
import type { Logger } from '#kernel/logger.ts';
import type { DeviceStatus } from '#modules/devices/index.ts';
import type { MqttDevice } from '#platform/mqtt/mqtt.port.ts';
import type { Span, Tracing } from '#platform/tracing/tracing.port.ts';
import {
  addRejection,
  type Batch,
  type BatchResult,
  createBatch,
  createOutcomeRecorder,
  itemsOf,
} from './telemetry.batch.ts';
import type { BatchCommitter } from './telemetry.commit.ts';
import { telemetryErrors } from './telemetry.errors.ts';
import { type ParsedJson, parseJson, parseLog, parseResponse, parseSample, parseStatus } from './telemetry.payload.ts';
import type { DeviceChannel, IngestLimits, ItemOutcome, RejectReason } from './telemetry.ports.ts';
import type { DeviceThrottle } from './telemetry.throttle.ts';
import { beginCommit, endTraces } from './telemetry.traces.ts';

/** Items that close a batch. Larger ones commit more a second but hold the event loop while they are encoded. */
const MAX_BATCH_ITEMS = 4_000;
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
  /** How large its body was, at most. */
  readonly bytes: number;
  /** Null: it is not recorded. */
  readonly span: Span | null;
}

export interface IngestPipeline extends Component {
  /** One MQTT message. `acknowledge` is called once, after what it became is committed. */
  receive(device: MqttDevice, channel: DeviceChannel, payload: Buffer, acknowledge: () => void): void;
  /**
   * Parsed items of one HTTP request, or why one could not be parsed; resolves after they are committed.
   * @throws AppError `ingest_overloaded`; nothing was taken then
   */
  receiveItems(
    device: MqttDevice,
    channel: DeviceChannel,
    items: readonly (ParsedJson | RejectReason)[],
    request: IngestRequest,
  ): Promise<readonly ItemOutcome[]>;
  /** The broker's own signal, in order with the device's messages. */
  connection(device: MqttDevice, status: DeviceStatus, ipAddress: string | null): void;
  /** A refusal that never became a message, for the ledger. */
  refused(device: MqttDevice, reason: RejectReason): void;
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
 * slow, acknowledgements stay out, so the broker stops reading: nothing is dropped, memory stays bounded.
 */
export function createIngestPipeline({
  committer,
  clock,
  logger,
  limits,
  throttle,
  tracing,
  nextId,
}: {
  readonly committer: BatchCommitter;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: IngestLimits;
  readonly throttle: DeviceThrottle;
  readonly tracing: Tracing;
  /** Ids of logs without a time of their own, in order. */
  readonly nextId: () => string;
}): IngestPipeline {
  const waiting: Batch[] = [];
  const committing = new Set<Batch>();
  const observers = new Map<Batch, ((result: BatchResult) => void)[]>();
  const loggedRejects = new LRUCache<string, true>({ max: REMEMBERED_REJECT_LOGS, ttl: REJECT_LOG_INTERVAL_MS });
  let current = createBatch();
  let scheduled = false;
  let nextCommitAt = 0;
  let commits = 0;
  let timer: NodeJS.Timeout | undefined;
  let stopping = false;
  let whenIdle: (() => void) | undefined;

  /** The batch that takes the next message, with the device noted as heard from. */
  function open(device: MqttDevice): Batch {
    if (current.items >= MAX_BATCH_ITEMS) {
      waiting.push(current);
      current = createBatch();
    }
    current.receivedAt = clock.now();
    current.devices.set(device.deviceId, device.deviceUid);
    if (!scheduled) {
      scheduled = true;
      setImmediate(flush);
    }
    return current;
  }

  function flush(): void {
    scheduled = false;
    while (committing.size < MAX_COMMITS) {
      const batch = waiting.shift() ?? takeCurrent(stopping);
      if (batch === undefined) break;
      void commit(batch);
    }
    if (committing.size === 0 && current.items === 0) whenIdle?.();
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
    for (const index of result.fullSamples) {
      const deviceId = batch.samples[index]?.deviceId ?? 0;
      logRejection({ deviceId, deviceUid: batch.devices.get(deviceId) ?? '' }, 'sample_full');
    }
    for (const observe of observers.get(batch) ?? []) observe(result);
    observers.delete(batch);
    for (const acknowledge of batch.acknowledgements) acknowledge();
    endTraces(batch);
    flush();
  }

  function reject(batch: Batch, device: MqttDevice, reason: RejectReason): void {
    batch.items += 1;
    addRejection(batch, device.deviceId, reason);
    logRejection(device, reason);
  }

  function logRejection({ deviceId, deviceUid }: MqttDevice, reason: RejectReason): void {
    const key = `${deviceId}:${reason}`;
    if (loggedRejects.has(key)) return;
    loggedRejects.set(key, true);
    logger.warn({ device_uid: deviceUid, reason }, 'message rejected');
  }

  /** Puts one item into the batch. Returns the reason if it was rejected. */
  function addItem(batch: Batch, device: MqttDevice, channel: DeviceChannel, item: unknown): RejectReason | null {
    const { deviceId } = device;
    let reason: RejectReason;
    if (channel === 'telemetry') {
      const sample = parseSample(deviceId, item, batch.receivedAt, limits);
      if (typeof sample !== 'string') {
        batch.samples.push(sample);
        batch.items += 1;
        return null;
      }
      reason = sample;
    } else if (channel === 'status') {
      const status = parseStatus(item, batch.receivedAt, limits);
      if (typeof status !== 'string') {
        batch.statuses.push({ deviceId, source: 'message', counted: true, ...status });
        batch.items += 1;
        return null;
      }
      reason = status;
    } else if (channel === 'log') {
      const log = parseLog(deviceId, item, batch.receivedAt, limits, nextId);
      if (typeof log !== 'string') {
        batch.logs.push(log);
        batch.items += 1;
        return null;
      }
      reason = log;
    } else {
      reason = parseResponse(item);
    }
    reject(batch, device, reason);
    return reason;
  }

  /** @param first where the message's samples begin in the batch */
  function follow(batch: Batch, span: Span, first: number): void {
    batch.traces.push({ span, first, end: batch.samples.length, commit: null });
  }

  function waitingFor(): { items: number; httpBytes: number } {
    const sum = { items: current.items, httpBytes: current.httpBytes };
    for (const batch of [...waiting, ...committing]) {
      sum.items += batch.items;
      sum.httpBytes += batch.httpBytes;
    }
    return sum;
  }

  return {
    name: 'ingest',
    receive(device, channel, payload, acknowledge) {
      const span = tracing.samples() ? tracing.begin(`receive ${channel}`, 'consumer', about(device, payload)) : null;
      const batch = open(device);
      const first = batch.samples.length;
      batch.acknowledgements.push(throttle.pace(device.deviceId, acknowledge));
      const parsed = parseJson(payload, limits);
      if (typeof parsed === 'string') {
        reject(batch, device, parsed);
      } else if (channel === 'telemetry' && Array.isArray(parsed.value)) {
        if (parsed.value.length > limits.maxItems) reject(batch, device, 'too_many_items');
        else if (parsed.value.length === 0) reject(batch, device, 'empty_metrics');
        else for (const item of parsed.value) addItem(batch, device, channel, item);
      } else {
        addItem(batch, device, channel, parsed.value);
      }
      if (span !== null) follow(batch, span, first);
    },
    receiveItems(device, channel, items, { bytes, span }) {
      const ahead = waitingFor();
      const isTooMuch = ahead.items + items.length > MAX_WAITING_ITEMS;
      if (committer.isStalled() || isTooMuch || ahead.httpBytes + bytes > MAX_WAITING_HTTP_BYTES) {
        return Promise.reject(telemetryErrors.ingest_overloaded({ details: { retryAfterSeconds: 5 } }));
      }
      const batch = open(device);
      batch.httpBytes += bytes;
      const first = batch.samples.length;
      const recorder = createOutcomeRecorder(batch);
      for (const item of items) {
        const places = { sample: batch.samples.length, log: batch.logs.length, status: batch.statuses.length };
        const reason = typeof item === 'string' ? item : addItem(batch, device, channel, item.value);
        if (typeof item === 'string') reject(batch, device, item);
        if (reason !== null) recorder.add({ kind: 'rejected', reason });
        else if (channel === 'telemetry') recorder.add({ kind: 'sample', index: places.sample });
        else if (channel === 'log') recorder.add({ kind: 'log', index: places.log });
        else recorder.add({ kind: 'status', index: places.status });
      }
      if (span !== null) follow(batch, span.child(`receive ${channel}`, { items: items.length }), first);
      return new Promise((resolve) => {
        const existing = observers.get(batch) ?? [];
        observers.set(batch, [...existing, (result) => resolve(recorder.outcomes(result))]);
      });
    },
    connection(device, status, ipAddress) {
      const batch = open(device);
      batch.items += 1;
      const { deviceId } = device;
      const address = ipAddress === null ? {} : { ipAddress };
      batch.statuses.push({ deviceId, status, at: batch.receivedAt, source: 'connection', counted: false, ...address });
    },
    refused(device, reason) {
      reject(open(device), device, reason);
    },
    inFlight(deviceId) {
      let count = itemsOf(current, deviceId);
      for (const batch of waiting) count += itemsOf(batch, deviceId);
      for (const batch of committing) count += itemsOf(batch, deviceId);
      return count;
    },
    backlog: () => waitingFor().items,
    commitCount: () => commits,
    async stop(signal) {
      stopping = true;
      committer.giveUpOn(signal);
      if (current.items === 0 && waiting.length === 0 && committing.size === 0) return;
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
