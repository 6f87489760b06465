import { Duplex } from 'node:stream';
import { createId } from '#kernel/ids.ts';
import { Confirmations } from './confirmations.ts';
import type { ConnectionHost, Login } from './connection-host.ts';
import { FRAME, FrameReader } from './frames.ts';
import { KeepAlive } from './keep-alive.ts';
import type { Origin } from './listeners.ts';
import type { Outgoing } from './outgoing.ts';
import { CONNACK_UNACCEPTABLE_PROTOCOL, isKnownProtocol, PACKET, uint16 } from './packets.ts';
import { type Publish, Publishes } from './publishes.ts';
import { Trespasses } from './trespasses.ts';
import { isTopicName, isWellFormed, isWellFormedConnect } from './well-formed.ts';

/** Packets other than PUBLISH and CONNECT that devices send are tiny; a SUBSCRIBE names three topics. */
const MAX_CONTROL_BYTES = 8 * 1024;
/** A CONNECT with its Last Will. Bounds what somebody can make us keep who has not proven anything. */
const MAX_CONNECT_BYTES = 16 * 1024;
/** How long a peer gets to take our last words and to close its side. */
const LINGER_MS = 1_000;

/** A payload of 16 MiB with its topic. A PUBLISH up to this is passed over as it comes, and acknowledged. */
const MAX_SKIPPED_BYTES = 16 * 1024 * 1024 + 1024;
const CONNACK_FIRST = 0x20;
const NOTHING = () => {};

type Phase = 'awaiting_connect' | 'logging_in' | 'open' | 'closed';

/**
 * Stands between a device's socket and Aedes. What a device publishes is dealt with here, because Aedes
 * would acknowledge it at once, has no limit for a packet's size, and its back-pressure does not hold (every
 * `readable` event frees a place); a PUBLISH costs no promise and two small objects this way. Messages
 * to the device are sent by `Outgoing`, and their PUBACKs end there. Everything else (CONNECT, SUBSCRIBE, PINGREQ …) is
 * passed on: for Aedes this object is the connection.
 */
export class DeviceConnection extends Duplex {
  readonly id = createId();
  readonly origin: Origin;
  /** What is sent to the device; made with the first message. */
  outgoing: Outgoing | null = null;
  /** The user name of the CONNECT, while it has not been proven. */
  claimedUid: string | null = null;
  login: Login | null = null;

  readonly #socket: Duplex;
  readonly #host: ConnectionHost<DeviceConnection>;
  readonly #reader: FrameReader;
  readonly #confirmations: Confirmations;
  readonly #resumeReading = () => this.#resume();
  #phase: Phase = 'awaiting_connect';
  readonly #loginTimer: NodeJS.Timeout;
  #keepAlive: KeepAlive | null = null;
  #paused = false;
  readonly #publishes: Publishes;
  readonly #trespasses = new Trespasses();
  /** A PUBLISH that is too large, of which the rest is still to come and to be passed over. */
  #oversized: Publish | null = null;
  /** Aedes has not read yet what was passed on. */
  #aedesFull = false;
  /** The peer does not read what we send. */
  #congested = false;
  #ended = false;
  #flushing = false;

  constructor(socket: Duplex, origin: Origin, host: ConnectionHost<DeviceConnection>) {
    super({ autoDestroy: true });
    this.#socket = socket;
    this.origin = origin;
    this.#host = host;
    this.#confirmations = new Confirmations(socket);
    this.#publishes = new Publishes(host, this);
    this.#reader = new FrameReader((type) => this.#limitOf(type));
    this.#loginTimer = setTimeout(() => this.#fail('login_timeout'), host.loginTimeoutMs);
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('drain', () => this.#drained());
    socket.on('end', () => this.#peerEnded());
    socket.on('error', () => {});
    socket.on('close', () => this.#peerClosed());
  }

  /** The device has proven itself. Takes effect with `open`, once Aedes has answered the CONNECT. */
  authenticated(login: Login): void {
    this.login = login;
    login.qosTwo.connection = this;
    clearTimeout(this.#loginTimer);
  }

  /** From now on packets of the device are read. */
  open(): void {
    if (this.#phase !== 'logging_in') return;
    this.#phase = 'open';
    const keepAliveMs = this.login?.keepAliveMs ?? 0;
    if (keepAliveMs > 0) this.#keepAlive = new KeepAlive(keepAliveMs, () => this.#keepAliveElapsed());
    this.#resume();
  }

  /** Ends it at once: nothing that was sent and not read yet is looked at, and no Last Will is delivered. */
  cut(): void {
    if (this.login !== null) this.login.will = null;
    this.#socket.destroy();
    this.destroy();
  }

  /** Reads no further, e.g. because the server stops. What was read already can still be acknowledged. */
  stopReading(): void {
    if (this.#phase === 'open') this.#phase = 'closed';
    this.#pause();
  }

  /** Sends a PUBACK, PUBREC or PUBCOMP, together with others of the same turn of the event loop. */
  confirm(type: number, messageId: number): void {
    if (this.destroyed) return;
    this.#confirmations.add(type, messageId);
    this.#flushSoon();
  }

  override _read(): void {
    if (!this.#aedesFull) return;
    this.#aedesFull = false;
    this.#resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#phase === 'logging_in') this.#correctConnack(chunk);
    if (this.#socket.writableEnded || this.#socket.destroyed || this.#socket.write(chunk)) {
      done();
      return;
    }
    this.#congested = true;
    this.#socket.once('drain', () => done());
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), 'binary', done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#phase = 'closed';
    clearTimeout(this.#loginTimer);
    this.#keepAlive?.end();
    this.#flush();
    this.#reader.clear();
    this.#host.inFlight.forget(this.#resumeReading);
    if (this.login?.qosTwo.connection === this) this.login.qosTwo.connection = null;
    this.#sayGoodbye();
    this.#host.closed(this);
    done(error);
  }

  /** Aedes calls a session present when it has subscriptions (section 3.2.2.2: when it is stored). */
  #correctConnack(chunk: Buffer): void {
    const isAccepted = chunk.length >= 4 && chunk[0] === CONNACK_FIRST && chunk[3] === 0;
    if (isAccepted) chunk[2] = this.login?.sessionPresent === true ? 1 : 0;
  }

  #limitOf(type: number): number {
    if (this.#phase === 'awaiting_connect') return type === PACKET.CONNECT ? MAX_CONNECT_BYTES : -1;
    return type === PACKET.PUBLISH ? this.#host.maxPacketBytes : MAX_CONTROL_BYTES;
  }

  #receive(chunk: Buffer): void {
    if (this.#phase === 'closed') return;
    // Also part of a packet is a sign of life: on a slow line a large one takes longer than a keep-alive.
    this.#keepAlive?.heard();
    this.#reader.append(chunk);
    this.#consume();
  }

  #consume(): void {
    try {
      while (this.#mayRead()) {
        const found = this.#reader.next();
        if (found === FRAME.COMPLETE) this.#handle();
        else if (found === FRAME.SKIPPED) this.#passedOver();
        else if (found === FRAME.INCOMPLETE || (found === FRAME.TOO_LARGE && !this.#tooLarge())) {
          this.#wantsMore();
          return;
        } else if (found === FRAME.MALFORMED) this.#fail('malformed_packet');
      }
      if (this.#phase !== 'closed') this.#pause();
    } catch (error) {
      this.#fail('internal_error', error);
    }
  }

  #mayRead(): boolean {
    return (
      (this.#phase === 'open' || this.#phase === 'awaiting_connect') &&
      !this.#publishes.isFull &&
      !this.#aedesFull &&
      !this.#congested &&
      !this.#host.inFlight.full
    );
  }

  #handle(): void {
    const { first, bytes, bodyStart, bodyEnd } = this.#reader;
    const type = first >> 4;
    if (type === PACKET.PUBLISH && this.#phase === 'open') {
      this.#publish(first & 0x0f);
      return;
    }
    if (this.#phase === 'awaiting_connect') {
      this.#connect();
    } else if (!isWellFormed(first, bytes.subarray(bodyStart, bodyEnd))) {
      this.#fail('malformed_packet');
    } else if (type === PACKET.PUBREL) {
      this.#release();
    } else if (type === PACKET.PUBACK) {
      this.outgoing?.acknowledged(uint16(bytes, bodyStart));
    } else if (type === PACKET.DISCONNECT) {
      if (this.login !== null) this.login.will = null;
      this.destroy();
    } else {
      this.#passOn();
    }
  }

  #connect(): void {
    const { first, bytes, bodyStart, bodyEnd } = this.#reader;
    const body = bytes.subarray(bodyStart, bodyEnd);
    if (!isKnownProtocol(body)) {
      this.#socket.write(CONNACK_UNACCEPTABLE_PROTOCOL);
      this.#fail('protocol_version');
    } else if (!isWellFormedConnect(first, body)) {
      this.#fail('malformed_packet');
    } else {
      this.#phase = 'logging_in';
      this.#host.connecting(this);
      this.#passOn();
    }
  }

  #passOn(): void {
    const { bytes, start, bodyEnd } = this.#reader;
    if (!this.push(bytes.subarray(start, bodyEnd))) this.#aedesFull = true;
  }

  /** PUBLISH, MQTT 3.1.1 section 3.3. The retain flag is ignored: nobody subscribes to what devices send. */
  #publish(flags: number): void {
    const { login } = this;
    const { bytes, bodyStart, bodyEnd } = this.#reader;
    const qos = (flags >> 1) & 3;
    const topicStart = bodyStart + 2;
    const topicEnd = topicStart + uint16(bytes, bodyStart);
    const payloadStart = qos === 0 ? topicEnd : topicEnd + 2;
    const messageId = qos === 0 ? 0 : uint16(bytes, topicEnd);
    const isDuplicate = (flags & 8) !== 0;
    const fits = bodyEnd >= topicStart && bodyEnd >= payloadStart;
    if (login === null || !fits || qos === 3 || (qos > 0 ? messageId === 0 : isDuplicate)) {
      this.#fail('malformed_packet');
      return;
    }
    const channel = login.topics.channelOf(bytes, topicStart, topicEnd);
    if (channel === null && !isTopicName(bytes.subarray(topicStart, topicEnd))) {
      this.#fail('malformed_packet');
      return;
    }
    if (bodyEnd - bodyStart > this.#host.maxPacketBytes) {
      this.#oversized = { login, channel, qos, messageId };
      this.#reader.skip();
    } else {
      const payload = bytes.subarray(payloadStart, bodyEnd);
      if (!this.#publishes.take(login, channel, payload, qos, messageId)) this.#fail('too_many_qos_2');
    }
    if (channel === null && this.#trespasses.add()) this.#fail('topic');
  }

  /** The last byte of a PUBLISH that was too large has come: it is answered like any other. */
  #passedOver(): void {
    const oversized = this.#oversized;
    if (oversized === null) return;
    this.#oversized = null;
    const { login, channel, qos, messageId } = oversized;
    if (!this.#publishes.take(login, channel, null, qos, messageId)) this.#fail('too_many_qos_2');
  }

  #release(): void {
    const { bytes, bodyStart } = this.#reader;
    const messageId = uint16(bytes, bodyStart);
    this.login?.qosTwo.received.delete(messageId);
    this.confirm(PACKET.PUBCOMP, messageId);
  }

  /** @internal */
  madeRoom(): void {
    this.#flushSoon();
  }

  #flushSoon(): void {
    if (this.#flushing || this.destroyed) return;
    this.#flushing = true;
    process.nextTick(flush, this);
  }

  /** @internal called once at the end of a turn in which something was acknowledged */
  flushNow(): void {
    this.#flushing = false;
    this.#flush();
    if (this.#publishes.reopen()) this.#resume();
  }

  #flush(): void {
    if (!this.#confirmations.flush()) this.#congested = true;
  }

  #drained(): void {
    this.#congested = false;
    this.#resume();
  }

  #pause(): void {
    if (this.#host.inFlight.full) this.#host.inFlight.wait(this.#resumeReading);
    if (this.#paused) return;
    this.#paused = true;
    this.#socket.pause();
  }

  #resume(): void {
    if (!this.#paused || this.#phase === 'closed') return;
    this.#paused = false;
    // What the device sent meanwhile is read only from now on.
    this.#keepAlive?.heard();
    this.#consume();
  }

  /** Everything that is here has been read. */
  #wantsMore(): void {
    if (this.#ended) {
      this.destroy();
    } else if (!this.#paused && this.#socket.isPaused()) {
      this.#socket.resume();
    }
  }

  /** The peer has sent its last byte; what came before is still dealt with. */
  #peerEnded(): void {
    this.#ended = true;
    if (!this.#paused) this.destroy();
  }

  #peerClosed(): void {
    if (this.#ended && this.#paused && !this.#congested) return;
    this.destroy();
  }

  #keepAliveElapsed(): void {
    // While we do not read for reasons of our own, we cannot know what the device has sent.
    if (this.#paused && !this.#congested) this.#keepAlive?.heard();
    else this.#fail('keep_alive');
  }

  /** @returns false when the head of the packet is still to come, with which it can be answered */
  #tooLarge(): boolean {
    const { first, bytes, bodyStart, bodyEnd, available } = this.#reader;
    const { login } = this;
    const isPublish = first >> 4 === PACKET.PUBLISH;
    const length = bodyEnd - bodyStart;
    if (login === null || !isPublish || length > MAX_SKIPPED_BYTES) {
      if (login !== null && isPublish) this.#host.refused(login, 'payload_too_large', NOTHING);
      this.#fail(this.#phase === 'awaiting_connect' ? 'no_connect' : 'packet_too_large');
      return true;
    }
    if (available < 2 || available < Math.min(length, 4 + uint16(bytes, bodyStart))) return false;
    this.#publish(first & 0x0f);
    return true;
  }

  #fail(reason: string, error?: unknown): void {
    if (this.#phase === 'closed') return;
    this.#host.failed(this, reason, error);
    this.destroy();
  }

  /** Lets what was written leave (a refusing CONNACK, PUBACKs), and does not wait for ever for the peer. */
  #sayGoodbye(): void {
    const socket = this.#socket;
    if (socket.destroyed) return;
    socket.removeAllListeners('data');
    socket.resume();
    socket.end();
    const timer = setTimeout(() => socket.destroy(), LINGER_MS);
    socket.once('close', () => clearTimeout(timer));
  }
}

function flush(connection: DeviceConnection): void {
  connection.flushNow();
}
