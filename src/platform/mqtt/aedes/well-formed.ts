import { isUtf8 } from 'node:buffer';
import { isKnownProtocol, PACKET, uint16 } from './packets.ts';

/**
 * What MQTT 3.1.1 calls a protocol violation, in what a device may send beside PUBLISH. Aedes' parser lets much of it
 * pass, and what one program accepts and the next refuses is found by a fleet, not by a test.
 */

const FLAGS = {
  USER_NAME: 0x80,
  PASSWORD: 0x40,
  WILL_RETAIN: 0x20,
  WILL_QOS: 0x18,
  WILL: 0x04,
  RESERVED: 0x01,
} as const;
const WILDCARDS = /[+#]/;

/** A string of section 1.5.3: UTF-8 without surrogates, and without U+0000. */
function isMqttString(bytes: Buffer): boolean {
  return isUtf8(bytes) && !bytes.includes(0);
}

/** What a message can be published to: sections 3.3.2.1 and 4.7. */
export function isTopicName(bytes: Buffer): boolean {
  return bytes.length > 0 && isMqttString(bytes) && !WILDCARDS.test(bytes.toString('latin1'));
}

/** The CONNECT packet, section 3.1. @param body of a protocol that is known */
export function isWellFormedConnect(first: number, body: Buffer): boolean {
  if (first !== PACKET.CONNECT << 4 || !isKnownProtocol(body)) return false;
  const fields = new Fields(body, 2 + uint16(body, 0) + 1);
  const flags = fields.byte();
  fields.skip(2);
  const hasWill = (flags & FLAGS.WILL) !== 0;
  const willQos = (flags & FLAGS.WILL_QOS) >> 3;
  if ((flags & FLAGS.RESERVED) !== 0 || willQos === 3) return false;
  if (!hasWill && (flags & (FLAGS.WILL_QOS | FLAGS.WILL_RETAIN)) !== 0) return false;
  if ((flags & FLAGS.USER_NAME) === 0 && (flags & FLAGS.PASSWORD) !== 0) return false;
  fields.string(isMqttString);
  if (hasWill) {
    fields.string(isTopicName);
    fields.string();
  }
  if ((flags & FLAGS.USER_NAME) !== 0) fields.string(isMqttString);
  if ((flags & FLAGS.PASSWORD) !== 0) fields.string();
  return fields.isAtEnd;
}

/** Flags, lengths and content of packets that a device may send after CONNECT, but PUBLISH; others are not allowed. */
export function isWellFormed(first: number, body: Buffer): boolean {
  const flags = first & 0x0f;
  switch (first >> 4) {
    case PACKET.PUBACK:
      return flags === 0 && body.length === 2 && uint16(body, 0) !== 0;
    case PACKET.PUBREL:
      return flags === 2 && body.length === 2 && uint16(body, 0) !== 0;
    case PACKET.SUBSCRIBE:
      return flags === 2 && listsFilters(body, true);
    case PACKET.UNSUBSCRIBE:
      return flags === 2 && listsFilters(body, false);
    case PACKET.PINGREQ:
    case PACKET.DISCONNECT:
      return flags === 0 && body.length === 0;
    default:
      return false;
  }
}

/** Sections 3.8.3 and 3.10.3: at least one filter, each with the QoS that is asked for or without. */
function listsFilters(body: Buffer, withQos: boolean): boolean {
  if (body.length < 2 || uint16(body, 0) === 0) return false;
  const fields = new Fields(body, 2);
  do {
    fields.string((filter) => filter.length > 0 && isMqttString(filter));
    if (withQos && fields.byte() > 2) return false;
  } while (fields.hasMore);
  return fields.isAtEnd;
}

/** Reads the fields of a packet one after the other. After one that is not there or not allowed, nothing fits. */
class Fields {
  readonly #bytes: Buffer;
  #position: number;
  #fits = true;

  constructor(bytes: Buffer, position: number) {
    this.#bytes = bytes;
    this.#position = position;
  }

  get hasMore(): boolean {
    return this.#fits && this.#position < this.#bytes.length;
  }

  /** Whether all that was read was there, and nothing was left over. */
  get isAtEnd(): boolean {
    return this.#fits && this.#position === this.#bytes.length;
  }

  byte(): number {
    this.skip(1);
    return this.#fits ? (this.#bytes[this.#position - 1] ?? 0) : 0;
  }

  skip(length: number): void {
    this.#position += length;
    if (this.#position > this.#bytes.length) this.#fits = false;
  }

  /** Bytes with their length before them. */
  string(isAllowed: (bytes: Buffer) => boolean = () => true): void {
    const start = this.#position + 2;
    this.skip(2);
    if (!this.#fits) return;
    this.skip(uint16(this.#bytes, start - 2));
    if (this.#fits && !isAllowed(this.#bytes.subarray(start, this.#position))) this.#fits = false;
  }
}
