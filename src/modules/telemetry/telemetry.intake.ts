import { parseExactJson } from '#kernel/exact-json.ts';
import type { MqttDevice } from '#platform/mqtt/mqtt.port.ts';
import type { Span } from '#platform/tracing/tracing.port.ts';
import type { Arrival, MessageArrival, RequestArrival } from './telemetry.arrivals.ts';
import { addRejection, type Batch, createOutcomeRecorder } from './telemetry.batch.ts';
import { parseJson } from './telemetry.json.ts';
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
  readonly onRejected: (device: MqttDevice, reason: RejectReason) => void;
}

/** Parses what arrived into a batch: each item becomes part of it, or is counted there with the reason why not. */
export function createIntake({ limits, throttle, presence, nextId, onRejected }: IntakeOptions) {
  function reject(batch: Batch, device: MqttDevice, reason: RejectReason): void {
    batch.items += 1;
    addRejection(batch, device.deviceId, reason);
    onRejected(device, reason);
  }

  /** The last payload of which the exact value was asked for: an array may hold a thousand numbers that need it. */
  let exact = { text: '', value: undefined as unknown };

  /** @param index of the item in the array that `text` is; null: it is the item itself */
  function exactItem(text: string, index: number | null): unknown {
    if (exact.text !== text) exact = { text, value: parseExactJson(text) };
    return index === null ? exact.value : (exact.value as readonly unknown[])[index];
  }

  /** Puts one item into the batch. Returns the reason if it was rejected. */
  function addItem(
    batch: Batch,
    { device, channel, receivedAt }: MessageArrival | RequestArrival,
    item: unknown,
    text: string,
    index: number | null,
  ): RejectReason | null {
    const { deviceId } = device;
    let reason: RejectReason;
    if (channel === 'telemetry') {
      let sample = parseSample(deviceId, item, receivedAt, limits);
      if (sample === 'integer_too_large') {
        sample = parseSample(deviceId, exactItem(text, index), receivedAt, limits, true);
      }
      if (typeof sample !== 'string') {
        batch.samples.push(sample);
        batch.items += 1;
        return null;
      }
      reason = sample;
    } else if (channel === 'status') {
      const status = parseStatus(exactItem(text, index), receivedAt, limits);
      if (typeof status !== 'string') {
        batch.statuses.push({ deviceId, source: 'message', counted: true, ...status });
        batch.items += 1;
        return null;
      }
      reason = status;
    } else if (channel === 'log') {
      const log = parseLog(deviceId, exactItem(text, index), receivedAt, limits, nextId);
      if (typeof log !== 'string') {
        batch.logs.push(log);
        batch.items += 1;
        return null;
      }
      reason = log;
    } else {
      reason = parseResponse(exactItem(text, index));
    }
    reject(batch, device, reason);
    return reason;
  }

  /** @param first where the message's samples begin in the batch */
  function follow(batch: Batch, span: Span, first: number): void {
    batch.traces.push({ span, first, end: batch.samples.length, commit: null });
  }

  function takeMessage(batch: Batch, message: MessageArrival): void {
    const { device, channel, span } = message;
    const firstSample = batch.samples.length;
    const before = batch.items;
    const parsed = parseJson(message.payload, limits);
    if (typeof parsed === 'string') {
      reject(batch, device, parsed);
    } else if (channel === 'telemetry' && Array.isArray(parsed.value)) {
      if (parsed.value.length > limits.maxItems) reject(batch, device, 'too_many_items');
      else if (parsed.value.length === 0) reject(batch, device, 'empty_metrics');
      else for (const [index, item] of parsed.value.entries()) addItem(batch, message, item, parsed.text, index);
    } else {
      addItem(batch, message, parsed.value, parsed.text, null);
    }
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
      const parsed = parseJson(item, limits);
      const reason = typeof parsed === 'string' ? parsed : addItem(batch, request, parsed.value, parsed.text, null);
      if (typeof parsed === 'string') reject(batch, device, parsed);
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
