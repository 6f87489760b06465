import { MESSAGE_OVERHEAD_BYTES } from '../in-flight.ts';
import type { ConnectionHost, Login } from './connection-host.ts';
import { PACKET } from './packets.ts';

/** What may be unacknowledged on one connection before it is read no further. */
const CONNECTION_WINDOW = { messages: 1_000, bytes: 1024 * 1024 } as const;

/** QoS 2 publishes of one session that wait for their PUBREL. */
const MAX_QOS_TWO = 1_000;

type Host = Pick<ConnectionHost<never>, 'inFlight' | 'message' | 'refused'>;

interface Answers {
  confirm(type: number, messageId: number): void;
  /** Something was acknowledged while the window was full. */
  madeRoom(): void;
}

/** A PUBLISH as far as it is kept. An argument list rather than this object is used where every message passes. */
export interface Publish {
  readonly login: Login;
  /** Null: it is not one of the device's. */
  readonly channel: string | null;
  readonly qos: number;
  /** 0 for QoS 0. */
  readonly messageId: number;
}

/**
 * Hands over what one connection publishes, and answers it when it has been dealt with. What is not acknowledged yet
 * is bounded: while the window `isFull`, the connection is not to be read.
 */
export class Publishes {
  isFull = false;
  readonly #host: Host;
  readonly #answers: Answers;
  #messages = 0;
  #bytes = 0;

  constructor(host: Host, answers: Answers) {
    this.#host = host;
    this.#answers = answers;
  }

  /**
   * QoS 2 by "method B" of MQTT 3.1.1, section 4.3.3: handed over at PUBLISH, the id is kept until PUBREL.
   * @param payload null: too large to be kept
   * @returns false when the device has more QoS 2 publishes open than are remembered
   */
  take(login: Login, channel: string | null, payload: Buffer | null, qos: number, messageId: number): boolean {
    if (qos < 2) {
      this.#handOver(login, channel, payload, messageId, null);
      return true;
    }
    const { received } = login.qosTwo;
    const known = received.get(messageId);
    if (known === undefined) {
      if (received.size >= MAX_QOS_TWO) return false;
      const entry = { stored: false };
      received.set(messageId, entry);
      try {
        this.#handOver(login, channel, payload, messageId, entry);
      } catch (error) {
        received.delete(messageId);
        throw error;
      }
    } else if (known.stored) {
      // Else it was sent again while the first is still being stored: its PUBREC leaves when it is.
      this.#answers.confirm(PACKET.PUBREC, messageId);
    }
    return true;
  }

  /** @returns true when it was full and has room again; only at half, so that reading does not start and stop all the time */
  reopen(): boolean {
    const hasRoom = this.#messages <= CONNECTION_WINDOW.messages / 2 && this.#bytes <= CONNECTION_WINDOW.bytes / 2;
    if (!this.isFull || !hasRoom) return false;
    this.isFull = false;
    return true;
  }

  /** @param once the entry of a QoS 2 message */
  #handOver(
    login: Login,
    channel: string | null,
    payload: Buffer | null,
    messageId: number,
    once: { stored: boolean } | null,
  ): void {
    const isKept = channel !== null && payload !== null;
    const bytes = MESSAGE_OVERHEAD_BYTES + (isKept ? payload.length : 0);
    this.#messages++;
    this.#bytes += bytes;
    this.isFull = this.#messages >= CONNECTION_WINDOW.messages || this.#bytes >= CONNECTION_WINDOW.bytes;
    this.#host.inFlight.take(bytes);
    let acknowledged = false;
    const acknowledge = () => {
      if (acknowledged) return;
      acknowledged = true;
      this.#release(bytes);
      if (once !== null) {
        once.stored = true;
        login.qosTwo.connection?.confirm(PACKET.PUBREC, messageId);
      } else if (messageId !== 0) {
        this.#answers.confirm(PACKET.PUBACK, messageId);
      }
      if (this.isFull) this.#answers.madeRoom();
    };
    try {
      if (isKept) this.#host.message(login, channel, payload, acknowledge);
      else this.#host.refused(login, channel === null ? 'topic' : 'payload_too_large', acknowledge);
    } catch (error) {
      // Nobody will acknowledge it, and what is never released is missing to every connection.
      if (!acknowledged) this.#release(bytes);
      acknowledged = true;
      throw error;
    }
  }

  #release(bytes: number): void {
    this.#messages--;
    this.#bytes -= bytes;
    this.#host.inFlight.release(bytes);
  }
}
