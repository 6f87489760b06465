import type { Channel, Sink } from '#platform/channels/channel.port.ts';
import type { MqttDevice } from '#platform/mqtt/mqtt.port.ts';
import type { Span } from '#platform/tracing/tracing.port.ts';
import type { Arrival, ConnectionArrival, MessageArrival, RequestArrival } from './ingest.arrivals.ts';
import { addEntry, addRejection, type Batch, type Entry, type ItemPlace, outcomesOf } from './ingest.batch.ts';
import { elementsOf, parseExactly, parseJson } from './ingest.bodies.ts';
import { type IngestLimits, type RejectReason, TELEMETRY } from './ingest.ports.ts';
import { parseSample } from './ingest.samples.ts';
import type { DeviceThrottle } from './ingest.throttle.ts';

export interface IntakeOptions {
  readonly channels: readonly Channel[];
  /** Asked what a connection, or a request, is on their channels. */
  readonly sinks: readonly Sink[];
  readonly limits: IngestLimits;
  readonly throttle: DeviceThrottle;
  /** Ids of logs without a time of their own, in order. */
  readonly nextId: () => string;
  /** `error`: the fault of ours that is the reason. */
  readonly onRejected: (device: MqttDevice, reason: RejectReason, error?: unknown) => void;
}

/** Parses what arrived into a batch: each item becomes part of it, or is counted there with the reason why not. */
export function createIntake({ channels, sinks, limits, throttle, nextId, onRejected }: IntakeOptions) {
  const channelOf = new Map(channels.map((channel) => [channel.name, channel]));
  const watchers = sinks.filter(({ fromConnection, fromRequest }) => fromConnection ?? fromRequest);

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

  /** @returns the reason if it was rejected */
  function addOther(
    batch: Batch,
    { device: { deviceId }, channel: name, receivedAt }: MessageArrival | RequestArrival,
    payload: Buffer,
  ): RejectReason | Entry {
    const channel = channelOf.get(name);
    if (channel === undefined) return 'forbidden_topic';
    const parsed = parseExactly(payload, limits, channel.invalidReason);
    if (typeof parsed === 'string') return parsed;
    const value = channel.parse(parsed.value, { deviceId, receivedAt, maxAgeMs: limits.maxAgeMs, nextId });
    if (typeof value === 'string') return value;
    const entry = { deviceId, isCounted: true, value };
    addEntry(batch, channel, entry);
    return entry;
  }

  /**
   * Puts one item into the batch. Whatever it is, nothing is thrown: it would end the process from the queue, or leave
   * its sender without an answer.
   * @param item parsed, if it is telemetry
   * @returns the reason if it was rejected; an entry if it is one; null: it is the next sample
   */
  function addItem(
    batch: Batch,
    arrival: MessageArrival | RequestArrival,
    item: unknown,
    payload: Buffer,
    index: number | null,
  ): RejectReason | Entry | null {
    let added: RejectReason | Entry | null;
    let failure: unknown;
    try {
      added =
        arrival.channel === TELEMETRY
          ? addSample(batch, arrival, item, payload, index)
          : addOther(batch, arrival, payload);
    } catch (error) {
      added = 'internal_error';
      failure = error;
    }
    if (typeof added === 'string') reject(batch, arrival.device, added, failure);
    else batch.items += 1;
    return added;
  }

  /** One item by its bytes. */
  function addWhole(batch: Batch, arrival: MessageArrival | RequestArrival, payload: Buffer): ItemPlace {
    let added: RejectReason | Entry | null;
    const sample = batch.samples.length;
    if (arrival.channel === TELEMETRY) {
      const parsed = parseJson(payload, limits);
      if (typeof parsed !== 'string') added = addItem(batch, arrival, parsed.value, payload, null);
      else {
        reject(batch, arrival.device, parsed);
        added = parsed;
      }
    } else added = addItem(batch, arrival, undefined, payload, null);
    if (added === null) return { sample };
    return typeof added === 'string' ? { reason: added } : { entry: added };
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
    if (channel === TELEMETRY) addTelemetry(batch, message);
    else addItem(batch, message, undefined, message.payload, null);
    batch.acknowledgements.push(throttle.pace(device.deviceId, batch.items - before, message.acknowledge));
    if (span !== null) follow(batch, span, firstSample);
  }

  function takeRequest(batch: Batch, request: RequestArrival): void {
    const { device, channel, items, bytes, span, settle } = request;
    batch.httpBytes += bytes;
    const { deviceId } = device;
    for (const sink of watchers) {
      const value = sink.fromRequest?.({ deviceId, receivedAt: request.receivedAt, channel }) ?? null;
      if (value !== null) addEntry(batch, sink.channel, { deviceId, isCounted: false, value });
    }
    const firstSample = batch.samples.length;
    const places = items.map((item) => addWhole(batch, request, item));
    if (span !== null) follow(batch, span.child(`receive ${channel}`, { items: items.length }), firstSample);
    batch.observers.push((result) => settle(outcomesOf(places, result)));
  }

  function takeConnection(batch: Batch, arrival: ConnectionArrival): void {
    const { device, receivedAt: at, isConnected, ipAddress, by } = arrival;
    const { deviceId } = device;
    batch.items += 1;
    for (const sink of watchers) {
      const value = sink.fromConnection?.({ deviceId, at, isConnected, ipAddress, by }) ?? null;
      if (value !== null) addEntry(batch, sink.channel, { deviceId, isCounted: false, value });
    }
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
    } else takeConnection(batch, arrival);
  };
}
