import type { MqttDevice } from '#platform/mqtt/mqtt.port.ts';
import type { Span } from '#platform/tracing/tracing.port.ts';
import type { ItemOutcome, RejectReason } from './ingest.ports.ts';

interface Arriving {
  readonly device: MqttDevice;
  /** Epoch milliseconds. */
  readonly receivedAt: number;
}

/** One MQTT message. */
export interface MessageArrival extends Arriving {
  readonly kind: 'message';
  readonly channel: string;
  readonly payload: Buffer;
  readonly acknowledge: () => void;
  readonly span: Span | null;
}

/** The items of one HTTP request. */
export interface RequestArrival extends Arriving {
  readonly kind: 'request';
  readonly channel: string;
  readonly items: readonly Buffer[];
  readonly bytes: number;
  readonly span: Span | null;
  readonly settle: (outcomes: readonly ItemOutcome[]) => void;
}

/** The broker's word that a device came or went. */
export interface ConnectionArrival extends Arriving {
  readonly kind: 'connection';
  readonly isConnected: boolean;
  readonly ipAddress: string | null;
  /** `server`: the broker stops; the device did nothing. */
  readonly by: 'device' | 'server';
}

/** A refusal that never became a message. */
export interface RefusalArrival extends Arriving {
  readonly kind: 'refusal';
  readonly reason: RejectReason;
  readonly acknowledge: () => void;
}

export type Arrival = MessageArrival | RequestArrival | ConnectionArrival | RefusalArrival;

/** Places that a queue may leave behind before it is moved together. */
const LOOSE_ENDS = 1_024;

/**
 * What has arrived while the batches are full, in order and as it came: parsed, the smallest values take twenty
 * times the memory of their text.
 */
export function createArrivalQueue() {
  let entries: (Arrival | undefined)[] = [];
  let head = 0;
  let items = 0;
  let httpBytes = 0;
  const count = (arrival: Arrival, sign: 1 | -1) => {
    items += sign * itemsIn(arrival);
    if (arrival.kind === 'request') httpBytes += sign * arrival.bytes;
  };
  return {
    isEmpty: () => head === entries.length,
    items: () => items,
    httpBytes: () => httpBytes,
    push(arrival: Arrival): void {
      entries.push(arrival);
      count(arrival, 1);
    },
    shift(): Arrival | undefined {
      const arrival = entries[head];
      if (arrival === undefined) return undefined;
      entries[head] = undefined;
      head += 1;
      count(arrival, -1);
      if (head >= LOOSE_ENDS && head * 2 >= entries.length) {
        entries = entries.slice(head);
        head = 0;
      }
      return arrival;
    },
    /** How many items of a device are in it; a message counts as one until it is parsed. */
    itemsOf(deviceId: number): number {
      let sum = 0;
      for (let at = head; at < entries.length; at += 1) {
        const arrival = entries[at] as Arrival;
        if (arrival.device.deviceId === deviceId && arrival.kind !== 'connection') sum += itemsIn(arrival);
      }
      return sum;
    },
  };
}

function itemsIn(arrival: Arrival): number {
  return arrival.kind === 'request' ? arrival.items.length : 1;
}
