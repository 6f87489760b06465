import type { MqttDevice } from '#platform/mqtt/mqtt.port.ts';
import type { Span } from '#platform/tracing/tracing.port.ts';
import type { Arrival, MessageArrival, RequestArrival } from './telemetry.arrivals.ts';
import { addRejection, type Batch, createOutcomeRecorder } from './telemetry.batch.ts';
import { elementsOf } from './telemetry.bodies.ts';
import { parseExactly, parseJson } from './telemetry.json.ts';
import { parseLog, parseResponse, parseSample, parseStatus } from './telemetry.payload.ts';
import type { IngestLimits, RejectReason } from './telemetry.ports.ts';
import type { HttpPresence } from './telemetry.presence.ts';
import type { DeviceThrottle } from './telemetry.throttle.ts';

export interface IntakeOptions {
  readonly limits: IngestLimits;
  readonly throttle: DeviceThrottle;
  readonly presence: HttpPresence;
  /** Ids of logs without a time of their own, in order. */
  readonly nextId: () => string;
  /** `error`: the fault of ours that is the reason. */
  readonly onRejected: (device: MqttDevice, reason: RejectReason, error?: unknown) => void;
}

/** Parses what arrived into a batch: each item becomes part of it, or is counted there with the reason why not. */
export function createIntake({ limits, throttle, presence, nextId, onRejected }: IntakeOptions) {
  function reject(batch: Batch, device: MqttDevice, reason: RejectReason, error?: unknown): void {
    batch.items += 1;
    addRejection(batch, device.deviceId, reason);
    onRejected(device, reason, error);
  }

  /** The last array of which an item was asked for: it may hold a thousand that are. */
  let split: { readonly payload: Buffer | null; readonly items: readonly Buffer[] } = { payload: null, items: [] };

  /** The bytes of one item of an array that has been parsed. */
  function itemOf(payload: Buffer, index: number): Buffer {
    if (split.payload !== payload) {
      const found = elementsOf(payload, limits.maxItems);
      split = { payload, items: typeof found === 'string' ? [] : found.items };
    }
    return split.items[index] as Buffer;
  }

  /** @param index of the item in the array that the payload is; null: it is the item itself */
  function addSample(
    batch: Batch,
    { device: { deviceId }, receivedAt }: MessageArrival | RequestArrival,
    item: unknown,
    payload: Buffer,
    index: number | null,
  ): RejectReason | null {
    let sample = parseSample(deviceId, item, receivedAt, limits);
    if (sample === 'integer_too_large') {
      const exact = parseExactly(index === null ? payload : itemOf(payload, index), limits, 'invalid_value');
      sample = typeof exact === 'string' ? exact : parseSample(deviceId, exact.value, receivedAt, limits, true);
    }
    if (typeof sample === 'string') return sample;
    batch.samples.push(sample);
    return null;
  }

  function addOther(
    batch: Batch,
    { device: { deviceId }, channel, receivedAt }: MessageArrival | RequestArrival,
    payload: Buffer,
  ): RejectReason | null {
    if (channel === 'status') {
      const parsed = parseExactly(payload, limits, 'invalid_status');
      if (typeof parsed === 'string') return parsed;
      const status = parseStatus(parsed.value, receivedAt, limits);
      if (typeof status === 'string') return status;
      batch.statuses.push({ deviceId, source: 'message', counted: true, ...status });
      return null;
    }
    if (channel === 'log') {
      const parsed = parseExactly(payload, limits, 'invalid_log');
      if (typeof parsed === 'string') return parsed;
      const log = parseLog(deviceId, parsed.value, receivedAt, limits, nextId);
      if (typeof log === 'string') return log;
      batch.logs.push(log);
      return null;
    }
    const parsed = parseExactly(payload, limits, 'invalid_response');
    return typeof parsed === 'string' ? parsed : parseResponse(parsed.value);
  }

  /**
   * Puts one item into the batch. Whatever it is, nothing is thrown: it would end the process from the queue, or leave
   * its sender without an answer.
   * @param item parsed, if it is telemetry
   * @returns the reason if it was rejected
   */
  function addItem(
    batch: Batch,
    arrival: MessageArrival | RequestArrival,
    item: unknown,
    payload: Buffer,
    index: number | null,
  ): RejectReason | null {
    let reason: RejectReason | null;
    let failure: unknown;
    try {
      reason =
        arrival.channel === 'telemetry'
          ? addSample(batch, arrival, item, payload, index)
          : addOther(batch, arrival, payload);
    } catch (error) {
      reason = 'internal_error';
      failure = error;
    }
    if (reason === null) batch.items += 1;
    else reject(batch, arrival.device, reason, failure);
    return reason;
  }

  /** One item by its bytes. Returns the reason if it was rejected. */
  function addWhole(batch: Batch, arrival: MessageArrival | RequestArrival, payload: Buffer): RejectReason | null {
    if (arrival.channel !== 'telemetry') return addItem(batch, arrival, undefined, payload, null);
    const parsed = parseJson(payload, limits);
    if (typeof parsed !== 'string') return addItem(batch, arrival, parsed.value, payload, null);
    reject(batch, arrival.device, parsed);
    return parsed;
  }

  function addTelemetry(batch: Batch, message: MessageArrival): void {
    const { device, payload } = message;
    const parsed = parseJson(payload, limits);
    if (typeof parsed === 'string') reject(batch, device, parsed);
    else if (!Array.isArray(parsed.value)) addItem(batch, message, parsed.value, payload, null);
    else if (parsed.value.length > limits.maxItems) reject(batch, device, 'too_many_items');
    else if (parsed.value.length === 0) reject(batch, device, 'empty_metrics');
    else for (const [index, item] of parsed.value.entries()) addItem(batch, message, item, payload, index);
  }

  /** @param first where the message's samples begin in the batch */
  function follow(batch: Batch, span: Span, first: number): void {
    batch.traces.push({ span, first, end: batch.samples.length, commit: null });
  }

  function takeMessage(batch: Batch, message: MessageArrival): void {
    const { device, channel, span } = message;
    const firstSample = batch.samples.length;
    const before = batch.items;
    if (channel === 'telemetry') addTelemetry(batch, message);
    else addItem(batch, message, undefined, message.payload, null);
    batch.acknowledgements.push(throttle.pace(device.deviceId, batch.items - before, message.acknowledge));
    if (span !== null) follow(batch, span, firstSample);
  }

  function takeRequest(batch: Batch, request: RequestArrival): void {
    const { device, channel, items, bytes, span, settle } = request;
    batch.httpBytes += bytes;
    const { deviceId } = device;
    // A device without a connection is ONLINE from its first word on; on `status` it says itself what it is.
    if (channel !== 'status' && presence.isNews(deviceId)) {
      const connect = { status: 'ONLINE', onlyFrom: 'OFFLINE', source: 'connection', counted: false } as const;
      batch.statuses.push({ deviceId, at: request.receivedAt, ...connect });
    }
    const firstSample = batch.samples.length;
    const recorder = createOutcomeRecorder(batch);
    for (const item of items) {
      const places = { sample: batch.samples.length, log: batch.logs.length, status: batch.statuses.length };
      const reason = addWhole(batch, request, item);
      if (reason !== null) recorder.add({ kind: 'rejected', reason });
      else if (channel === 'telemetry') recorder.add({ kind: 'sample', index: places.sample });
      else if (channel === 'log') recorder.add({ kind: 'log', index: places.log });
      else recorder.add({ kind: 'status', index: places.status });
    }
    if (span !== null) follow(batch, span.child(`receive ${channel}`, { items: items.length }), firstSample);
    batch.observers.push((result) => settle(recorder.outcomes(result)));
  }

  return function take(batch: Batch, arrival: Arrival): void {
    const { device, receivedAt } = arrival;
    batch.receivedAt = receivedAt;
    batch.devices.set(device.deviceId, device.deviceUid);
    if (arrival.kind === 'message') takeMessage(batch, arrival);
    else if (arrival.kind === 'request') takeRequest(batch, arrival);
    else if (arrival.kind === 'refusal') {
      reject(batch, device, arrival.reason);
      batch.acknowledgements.push(throttle.pace(device.deviceId, 1, arrival.acknowledge));
    } else {
      const { status, ipAddress, source } = arrival;
      batch.items += 1;
      const address = ipAddress === null ? {} : { ipAddress };
      const { deviceId } = device;
      batch.statuses.push({ deviceId, status, at: receivedAt, source, counted: false, ...address });
    }
  };
}
