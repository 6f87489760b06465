import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { answerParent } from '../support/child.ts';
import {
  CONNACK,
  connectPacket,
  createPublishRow,
  type DeviceLogin,
  DISCONNECT,
  PUBACK,
  type PublishRow,
} from './mqtt-packets.ts';
import { createStopwatch, dueAfter, type LoadFigures, type Phase } from './schedule.ts';

/**
 * Publishes telemetry at QoS 1, one connection a device. Raw sockets and pre-encoded packets: the generator
 * has to cost much less than the broker that it measures, since both share one machine.
 */
export interface MqttLoad extends Phase {
  readonly port: number;
  readonly devices: readonly DeviceLogin[];
  /** Messages a connection may have unacknowledged. */
  readonly window: number;
  /** Messages a second over all connections (open loop); null sends as fast as the window allows. */
  readonly rate: number | null;
  /** At a constant rate: a connection sends what is due together, once in so many milliseconds. */
  readonly burstMs: number;
  /** First level of the topics; absent: `devices`. */
  readonly root?: string;
  /** Epoch ms of each device's first message. */
  readonly firstTimestamp: number;
  /** How much later every further message of a device is stamped; absent: 1 ms. */
  readonly stepMs?: number;
}

export interface MqttLoadResult extends LoadFigures {
  /** Of the whole run, warm-up included. */
  readonly acknowledged: number;
  /** When the first connection began, epoch ms with a fraction: with `dueAfter` it says when each message was due. */
  readonly startedAt: number;
  /** As it was given. */
  readonly firstTimestamp: number;
  /** Newest message of each device, in the order of the devices. */
  readonly lastTimestamps: readonly number[];
}

const TICK_MS = 1;
const DRAIN_SECONDS = 20;

answerParent<MqttLoad, MqttLoadResult>(async (load) => {
  const publishers: Publisher[] = [];
  for (const device of load.devices) publishers.push(await openPublisher(device, load));

  const { rate, burstMs } = load;
  const stopwatch = createStopwatch(load);
  const { startsAt, completed } = stopwatch;
  for (const [index, publisher] of publishers.entries()) {
    const pace = rate === null ? null : { rate, burstMs, connections: publishers.length };
    publisher.begin({ dueAt: pace === null ? null : (n) => startsAt + dueAfter(pace, index, n), completed });
  }
  const tick = setInterval(() => {
    const now = performance.now();
    for (const publisher of publishers) publisher.pump(now);
  }, TICK_MS);
  await sleepUntil(stopwatch.closesAt);
  clearInterval(tick);

  const drained = publishers.map((publisher) => publisher.finish());
  const late = setTimeout(() => {
    throw new Error(`not everything was acknowledged within ${DRAIN_SECONDS} s of the last publish`);
  }, DRAIN_SECONDS * 1000);
  await Promise.all(drained);
  clearTimeout(late);
  return {
    ...stopwatch.figures(),
    startedAt: performance.timeOrigin + startsAt,
    firstTimestamp: load.firstTimestamp,
    acknowledged: publishers.reduce((sum, publisher) => sum + publisher.acknowledged(), 0),
    lastTimestamps: publishers.map((publisher) => publisher.lastTimestamp()),
  };
});

/**
 * Message n of a connection is due at a time that only depends on n: one that leaves late, because the window was
 * full or the machine busy, is measured from when it was due, not from when it left.
 */
interface Pace {
  /** Of message n of this connection; null is a flood. */
  readonly dueAt: ((n: number) => number) | null;
  completed(dueAt: number, now: number): void;
}

interface Publisher {
  begin(pace: Pace): void;
  /** Sends what is due and fits into the window. */
  pump(now: number): void;
  /** Stops sending; resolves when the last acknowledgement is in. */
  finish(): Promise<void>;
  acknowledged(): number;
  lastTimestamp(): number;
}

async function openPublisher(device: DeviceLogin, load: MqttLoad): Promise<Publisher> {
  const { port, window, firstTimestamp, root, stepMs } = load;
  const row = createPublishRow(device.uid, window, firstTimestamp, root, stepMs);
  const dueAt = new Float64Array(window);
  const inFlight = new Uint8Array(window);
  const sending = Promise.withResolvers<void>();
  const finished = Promise.withResolvers<void>();
  const scanner = createScanner(onConnack, onPubacks);
  let pace: Pace | undefined;
  let nextSlot = 0;
  let sent = 0;
  let acked = 0;
  let stopped = false;

  const socket: Socket = connect({
    port,
    host: '127.0.0.1',
    noDelay: true,
    onread: {
      buffer: Buffer.allocUnsafe(4096),
      callback(length, buffer) {
        scanner(buffer, length);
        return true;
      },
    },
  });
  socket.on('error', fail);
  socket.on('close', () => fail(new Error(`${device.uid}: the broker closed the connection`)));
  await once(socket, 'connect');
  socket.write(connectPacket(device));
  await sending.promise;

  function fail(error: Error): void {
    if (pace === undefined) sending.reject(error);
    // Later a broken connection makes the whole measurement worthless: let the process end with it.
    else if (!socket.writableEnded) throw error;
  }

  function onConnack(returnCode: number): void {
    if (returnCode === 0) sending.resolve();
    else sending.reject(new Error(`${device.uid}: login refused (CONNACK ${returnCode})`));
  }

  function onPubacks(slots: Uint16Array, count: number): void {
    if (pace === undefined) throw new Error('PUBACK before anything was sent');
    const now = performance.now();
    for (let index = 0; index < count; index += 1) {
      const slot = slots[index] ?? 0;
      if (inFlight[slot] !== 1) throw new Error(`${device.uid}: PUBACK ${slot + 1} for nothing in flight`);
      inFlight[slot] = 0;
      pace.completed(dueAt[slot] ?? 0, now);
    }
    acked += count;
    pump(now);
    if (stopped && acked === sent) close();
  }

  function close(): void {
    socket.end(DISCONNECT);
    finished.resolve();
  }

  function pump(now: number): void {
    if (stopped || pace === undefined) return;
    let runStart = nextSlot;
    while (inFlight[nextSlot] === 0) {
      const due = pace.dueAt === null ? now : pace.dueAt(sent);
      if (due > now) break;
      row.stamp(nextSlot);
      inFlight[nextSlot] = 1;
      dueAt[nextSlot] = due;
      sent += 1;
      nextSlot += 1;
      if (nextSlot === window) {
        write(row, runStart, nextSlot);
        nextSlot = 0;
        runStart = 0;
      }
    }
    write(row, runStart, nextSlot);
  }

  function write({ bytes, packetLength }: PublishRow, from: number, to: number): void {
    if (to > from) socket.write(bytes.subarray(from * packetLength, to * packetLength));
  }

  return {
    begin(given) {
      pace = given;
      pump(performance.now());
    },
    pump,
    finish() {
      stopped = true;
      if (acked === sent) close();
      return finished.promise;
    },
    acknowledged: () => acked,
    lastTimestamp: () => row.lastTimestamp(),
  };
}

/** Reads what a broker sends to a publisher: four-byte CONNACK and PUBACK packets, cut anywhere by the network. */
function createScanner(
  onConnack: (returnCode: number) => void,
  onPubacks: (slots: Uint16Array, count: number) => void,
) {
  const slots = new Uint16Array(2048);
  const partial = Buffer.alloc(4);
  let partialLength = 0;
  let count = 0;

  function accept(bytes: Uint8Array, at: number): void {
    const type = bytes[at];
    const last = bytes[at + 3] ?? 0;
    if (type === PUBACK && bytes[at + 1] === 2) {
      slots[count] = (((bytes[at + 2] ?? 0) << 8) | last) - 1;
      count += 1;
    } else if (type === CONNACK) {
      onConnack(last);
    } else {
      throw new Error(`a packet of type ${type} is not for a publisher`);
    }
  }

  return (bytes: Uint8Array, length: number): void => {
    let at = 0;
    count = 0;
    while (partialLength > 0 && at < length) {
      partial[partialLength] = bytes[at] ?? 0;
      partialLength = (partialLength + 1) % 4;
      at += 1;
      if (partialLength === 0) accept(partial, 0);
    }
    for (; at + 4 <= length; at += 4) accept(bytes, at);
    for (; at < length; at += 1) {
      partial[partialLength] = bytes[at] ?? 0;
      partialLength += 1;
    }
    if (count > 0) onPubacks(slots, count);
  };
}

async function sleepUntil(at: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, at - performance.now()));
}
