import { Duplex } from 'node:stream';
import type { DeviceChannel } from '../mqtt.port.ts';
import { Confirmations } from './confirmations.ts';
import type { ConnectionHost, Login } from './connection-host.ts';
import { FRAME, FrameReader } from './frames.ts';
import { CONNECTION_WINDOW, MESSAGE_OVERHEAD_BYTES } from './in-flight.ts';
import { CONNACK_UNACCEPTABLE_PROTOCOL, isKnownProtocol, isWellFormed, PACKET, uint16 } from './packets.ts';

/** Packets other than PUBLISH and CONNECT that devices send are tiny; a SUBSCRIBE names three topics. */
const MAX_CONTROL_BYTES = 8 * 1024;
/** QoS 2 publishes of one session that wait for their PUBREL. */
const MAX_QOS_TWO = 1_000;
/** How long a peer gets to take our last words and to close its side. */
const LINGER_MS = 1_000;

type Phase = 'awaiting_connect' | 'logging_in' | 'open' | 'closed';

/**
 * Stands between a device's socket and Aedes. What a device publishes is dealt with here, because Aedes
 * would acknowledge it at once, has no limit for a packet's size, and its back-pressure does not hold (every
 * `readable` event frees a place); a PUBLISH costs no promise and two small objects this way. Everything
 * else (CONNECT, SUBSCRIBE, PUBACK, PINGREQ …) is passed on: for Aedes this object is the connection.
 */
export class DeviceConnection extends Duplex {
  readonly ipAddress: string | null;
  /** The user name of the CONNECT, while it has not been proven. */
  claimedUid: string | null = null;
  login: Login | null = null;

  readonly #socket: Duplex;
  readonly #host: ConnectionHost<DeviceConnection>;
  readonly #reader: FrameReader;
  readonly #confirmations: Confirmations;
  readonly #resumeReading = () => this.#resume();
  #phase: Phase = 'awaiting_connect';
  #timer: NodeJS.Timeout | null;
  #paused = false;
  /** Our side: too much is unacknowledged. */
  #windowFull = false;
  #messages = 0;
  #bytes = 0;
  /** Aedes has not read yet what was passed on. */
  #aedesFull = false;
  /** The peer does not read what we send. */
  #congested = false;
  #ended = false;
  #flushing = false;

  constructor(socket: Duplex, ipAddress: string | null, host: ConnectionHost<DeviceConnection>) {
    super({ autoDestroy: true });
    this.#socket = socket;
    this.ipAddress = ipAddress;
    this.#host = host;
    this.#confirmations = new Confirmations(socket);
    this.#reader = new FrameReader((type) => this.#limitOf(type));
    this.#timer = setTimeout(() => this.#fail('login_timeout'), host.loginTimeoutMs);
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
    this.#clearTimer();
  }

  /** From now on packets of the device are read. */
  open(): void {
    if (this.#phase !== 'logging_in') return;
    this.#phase = 'open';
    const keepAliveMs = this.login?.keepAliveMs ?? 0;
    if (keepAliveMs > 0) this.#timer = setTimeout(() => this.#keepAliveMissed(), keepAliveMs);
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
    this.#clearTimer();
    this.#flush();
    this.#reader.clear();
    this.#host.inFlight.forget(this.#resumeReading);
    if (this.login?.qosTwo.connection === this) this.login.qosTwo.connection = null;
    this.#sayGoodbye();
    this.#host.closed(this);
    done(error);
  }

  #limitOf(type: number): number {
    if (this.#phase === 'awaiting_connect' && type !== PACKET.CONNECT) return -1;
    return type === PACKET.PUBLISH || type === PACKET.CONNECT ? this.#host.maxPacketBytes : MAX_CONTROL_BYTES;
  }

  #receive(chunk: Buffer): void {
    if (this.#phase === 'closed') return;
    this.#reader.append(chunk);
    this.#consume();
  }

  #consume(): void {
    try {
      let handled = false;
      while (this.#mayRead()) {
        const found = this.#reader.next();
        if (found !== FRAME.COMPLETE) {
          if (handled) this.#timer?.refresh();
          if (found === FRAME.INCOMPLETE) this.#wantsMore();
          else if (found === FRAME.TOO_LARGE) this.#tooLarge();
          else this.#fail('malformed_packet');
          return;
        }
        this.#handle();
        handled = true;
      }
      if (handled && this.#phase === 'open') this.#timer?.refresh();
      if (this.#phase !== 'closed') this.#pause();
    } catch (error) {
      this.#fail('internal_error', error);
    }
  }

  #mayRead(): boolean {
    return (
      (this.#phase === 'open' || this.#phase === 'awaiting_connect') &&
      !this.#windowFull &&
      !this.#aedesFull &&
      !this.#congested &&
      !this.#host.inFlight.full
    );
  }

  #handle(): void {
    const { first, bodyStart, bodyEnd } = this.#reader;
    const type = first >> 4;
    if (type === PACKET.PUBLISH && this.#phase === 'open') {
      this.#publish(first & 0x0f);
      return;
    }
    if (this.#phase === 'awaiting_connect') {
      this.#connect();
    } else if (!isWellFormed(first, bodyEnd - bodyStart)) {
      this.#fail('malformed_packet');
    } else if (type === PACKET.PUBREL) {
      this.#release();
    } else if (type === PACKET.DISCONNECT) {
      if (this.login !== null) this.login.will = null;
      this.destroy();
    } else {
      this.#passOn();
    }
  }

  #connect(): void {
    const { bytes, bodyStart, bodyEnd } = this.#reader;
    const body = bytes.subarray(bodyStart, bodyEnd);
    if (!isKnownProtocol(body)) {
      this.#socket.write(CONNACK_UNACCEPTABLE_PROTOCOL);
      this.#fail('protocol_version');
      return;
    }
    this.#phase = 'logging_in';
    this.#passOn();
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
    if (login === null || qos === 3 || bodyEnd < topicStart || bodyEnd < payloadStart || (qos > 0 && messageId === 0)) {
      this.#fail('malformed_packet');
      return;
    }
    const channel = login.topics.channelOf(bytes, topicStart, topicEnd);
    if (channel === null) {
      this.#host.refused(login, 'topic');
      this.#fail('topic');
      return;
    }
    const payload = bytes.subarray(payloadStart, bodyEnd);
    if (qos === 2) this.#publishOnce(login, channel, payload, messageId);
    else this.#handOver(login, channel, payload, messageId, null);
  }

  /** QoS 2, "method B" of section 4.3.3: handed over at PUBLISH, the id is kept until PUBREL. */
  #publishOnce(login: Login, channel: DeviceChannel, payload: Buffer, messageId: number): void {
    const { received } = login.qosTwo;
    const known = received.get(messageId);
    if (known === undefined && received.size >= MAX_QOS_TWO) {
      this.#fail('too_many_qos_2');
    } else if (known === undefined) {
      const entry = { stored: false };
      received.set(messageId, entry);
      this.#handOver(login, channel, payload, messageId, entry);
    } else if (known.stored) {
      // Else it was sent again while the first is still being stored: its PUBREC leaves when it is.
      this.confirm(PACKET.PUBREC, messageId);
    }
  }

  #release(): void {
    const { bytes, bodyStart } = this.#reader;
    const messageId = uint16(bytes, bodyStart);
    this.login?.qosTwo.received.delete(messageId);
    this.confirm(PACKET.PUBCOMP, messageId);
  }

  /** @param messageId 0 for QoS 0; @param once the entry of a QoS 2 message */
  #handOver(
    login: Login,
    channel: DeviceChannel,
    payload: Buffer,
    messageId: number,
    once: { stored: boolean } | null,
  ): void {
    const bytes = payload.length + MESSAGE_OVERHEAD_BYTES;
    this.#messages++;
    this.#bytes += bytes;
    this.#windowFull = this.#messages >= CONNECTION_WINDOW.messages || this.#bytes >= CONNECTION_WINDOW.bytes;
    this.#host.inFlight.take(bytes);
    let acknowledged = false;
    this.#host.message(login, channel, payload, () => {
      if (acknowledged) return;
      acknowledged = true;
      this.#messages--;
      this.#bytes -= bytes;
      this.#host.inFlight.release(bytes);
      if (once !== null) {
        once.stored = true;
        login.qosTwo.connection?.confirm(PACKET.PUBREC, messageId);
      } else if (messageId !== 0) {
        this.confirm(PACKET.PUBACK, messageId);
      }
      if (this.#windowFull) this.#flushSoon();
    });
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
    if (
      this.#windowFull &&
      this.#messages <= CONNECTION_WINDOW.messages / 2 &&
      this.#bytes <= CONNECTION_WINDOW.bytes / 2
    ) {
      this.#windowFull = false;
      this.#resume();
    }
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

  #keepAliveMissed(): void {
    // While we do not read for reasons of our own, we cannot know what the device has sent.
    if (this.#paused && !this.#congested) this.#timer?.refresh();
    else this.#fail('keep_alive');
  }

  #tooLarge(): void {
    if (this.login !== null && this.#reader.first >> 4 === PACKET.PUBLISH) {
      this.#host.refused(this.login, 'payload_too_large');
    }
    this.#fail(this.#phase === 'awaiting_connect' ? 'no_connect' : 'packet_too_large');
  }

  #fail(reason: string, error?: unknown): void {
    if (this.#phase === 'closed') return;
    this.#host.failed(this, reason, error);
    this.destroy();
  }

  #clearTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
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
