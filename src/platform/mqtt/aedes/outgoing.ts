import type { DownlinkOutcome } from '../downlink.port.ts';

/** What may wait for one connection, sent and unacknowledged or not sent yet. */
export const QUEUE_LIMIT = { messages: 100, bytes: 1024 * 1024 } as const;
/** Sent and unacknowledged: a small device has room for a few. */
const WINDOW = 16;
const LAST_ID = 0xffff;

/** The connection's side: a writable stream of packets. */
export interface PacketStream {
  write(packet: Buffer): boolean;
  once(event: 'drain', listener: () => void): unknown;
}

interface OutgoingMessage {
  readonly topic: string;
  readonly payload: string;
  readonly qos: 0 | 1;
  readonly retain: boolean;
  /** Epoch milliseconds; null: never. */
  readonly expiresAt: number | null;
}

interface Entry extends OutgoingMessage {
  readonly bytes: number;
  readonly settle: (outcome: DownlinkOutcome) => void;
}

/**
 * What goes to the device over one connection: in order, no more than it acknowledges, and bounded. Packet ids are
 * counted here; nothing else on the connection publishes to it.
 */
export class Outgoing {
  readonly #stream: PacketStream;
  readonly #now: () => number;
  readonly #inFlight = new Map<number, Entry>();
  #waiting: Entry[] = [];
  #bytes = 0;
  #lastId = 0;
  #isBlocked = false;
  #isClosed = false;

  constructor(stream: PacketStream, now: () => number) {
    this.#stream = stream;
    this.#now = now;
  }

  send(message: OutgoingMessage): Promise<DownlinkOutcome> {
    if (this.#isClosed) return Promise.resolve('gone');
    const bytes = Buffer.byteLength(message.payload) + message.topic.length;
    const messages = this.#inFlight.size + this.#waiting.length;
    if (messages >= QUEUE_LIMIT.messages || this.#bytes + bytes > QUEUE_LIMIT.bytes) return Promise.resolve('full');
    this.#bytes += bytes;
    return new Promise((settle) => {
      this.#waiting.push({ ...message, bytes, settle });
      this.#pump();
    });
  }

  /** A PUBACK. One that nothing waits for is none of ours, and ignored. */
  acknowledged(messageId: number): void {
    const entry = this.#inFlight.get(messageId);
    if (entry === undefined) return;
    this.#inFlight.delete(messageId);
    this.#settle(entry, 'delivered');
    this.#pump();
  }

  /** The connection is over. */
  close(): void {
    this.#isClosed = true;
    const left = [...this.#inFlight.values(), ...this.#waiting];
    this.#inFlight.clear();
    this.#waiting = [];
    for (const entry of left) this.#settle(entry, 'gone');
  }

  #pump(): void {
    while (!this.#isBlocked && !this.#isClosed && this.#inFlight.size < WINDOW) {
      const entry = this.#waiting.shift();
      if (entry === undefined) return;
      if (entry.expiresAt !== null && entry.expiresAt <= this.#now()) {
        this.#settle(entry, 'expired');
        continue;
      }
      const messageId = entry.qos === 0 ? 0 : this.#nextId();
      if (entry.qos === 1) this.#inFlight.set(messageId, entry);
      this.#write(publishPacket(entry, messageId));
      if (entry.qos === 0) this.#settle(entry, 'unconfirmed');
    }
  }

  #write(packet: Buffer): void {
    if (this.#stream.write(packet)) return;
    this.#isBlocked = true;
    this.#stream.once('drain', () => {
      this.#isBlocked = false;
      this.#pump();
    });
  }

  #nextId(): number {
    do this.#lastId = this.#lastId === LAST_ID ? 1 : this.#lastId + 1;
    while (this.#inFlight.has(this.#lastId));
    return this.#lastId;
  }

  #settle(entry: Entry, outcome: DownlinkOutcome): void {
    this.#bytes -= entry.bytes;
    entry.settle(outcome);
  }
}

/** PUBLISH, MQTT 3.1.1 section 3.3. */
function publishPacket({ topic, payload, qos, retain }: OutgoingMessage, messageId: number): Buffer {
  const topicBytes = Buffer.byteLength(topic);
  const payloadBytes = Buffer.byteLength(payload);
  const body = 2 + topicBytes + (qos === 0 ? 0 : 2) + payloadBytes;
  const head: number[] = [0x30 | (qos << 1) | (retain ? 1 : 0)];
  for (let rest = body; ; rest >>= 7) {
    if (rest < 0x80) {
      head.push(rest);
      break;
    }
    head.push((rest & 0x7f) | 0x80);
  }
  const packet = Buffer.allocUnsafe(head.length + body);
  packet.set(head);
  let position = packet.writeUInt16BE(topicBytes, head.length);
  position += packet.write(topic, position);
  if (qos === 1) position = packet.writeUInt16BE(messageId, position);
  packet.write(payload, position);
  return packet;
}
