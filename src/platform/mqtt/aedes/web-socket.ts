import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/**
 * MQTT over WebSocket (RFC 6455; MQTT 3.1.1 section 6) as a plain stream of bytes. A library hands over whole
 * messages, and a client may send 16 MiB as one; here the payload of a frame goes on as it comes.
 */

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const SUBPROTOCOL = 'mqtt';
const KEY = /^[+/0-9A-Za-z]{22}==$/;
const OPCODE = { CONTINUATION: 0, TEXT: 1, BINARY: 2, CLOSE: 8, PING: 9, PONG: 10 } as const;
const CLOSE_CODE = { NORMAL: 1000, PROTOCOL_ERROR: 1002, NOT_BINARY: 1003 } as const;
const MAX_CONTROL_BYTES = 125;
const MASK_BYTES = 4;
const FIN = 0x80;
/** Not worth a look at words. */
const FEW_BYTES = 64;
const NO_WORDS = new Uint32Array(0);
const NOTHING = Buffer.alloc(0);

/**
 * Answers the request for an upgrade.
 * @returns null: it was none that we take, and is answered with 400
 */
export function acceptWebSocket(request: IncomingMessage, socket: Socket, head: Buffer): Duplex | null {
  const { headers, method } = request;
  const key = headers['sec-websocket-key'] ?? '';
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((protocol) => protocol.trim());
  const isUpgrade = method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket' && KEY.test(key);
  if (!isUpgrade || headers['sec-websocket-version'] !== '13' || !offered.includes(SUBPROTOCOL)) {
    socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\nsec-websocket-version: 13\r\n\r\n');
    return null;
  }
  const accept = createHash('sha1')
    .update(key + GUID)
    .digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${accept}\r\n` +
      `sec-websocket-protocol: ${SUBPROTOCOL}\r\n\r\n`,
  );
  return new WebSocketStream(socket, head);
}

class WebSocketStream extends Duplex {
  readonly #socket: Socket;
  /** The head of a frame, or a control frame, that is not all there yet. */
  #rest: Buffer = NOTHING;
  /** Bytes of the frame that are still to come. */
  #left = 0;
  readonly #mask = Buffer.alloc(MASK_BYTES);
  #maskOffset = 0;
  /** The mask from where a word begins, as bytes and as that word. */
  readonly #turned = new Uint8Array(MASK_BYTES);
  readonly #turnedWord = new Uint32Array(this.#turned.buffer);
  /** Inside a message of several frames. */
  #isFragmented = false;
  #isClosing = false;
  /** Nothing more comes. */
  #isOver = false;

  constructor(socket: Socket, head: Buffer) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    socket.setTimeout(0);
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('end', () => this.#peerEnded());
    socket.on('error', () => {});
    socket.on('close', () => this.#peerClosed());
    if (head.length > 0) socket.unshift(head);
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#send(OPCODE.BINARY, chunk)) done();
    else this.#socket.once('drain', () => done());
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#close(CLOSE_CODE.NORMAL);
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }

  #peerEnded(): void {
    this.#isOver = true;
    this.push(null);
  }

  /** What came before an orderly end can still be read. */
  #peerClosed(): void {
    if (this.#isOver) this.end();
    else this.destroy();
  }

  /** @returns false while the peer does not read */
  #send(opcode: number, payload: Buffer): boolean {
    if (this.#socket.writableEnded || this.#socket.destroyed) return true;
    const { length } = payload;
    const size = length < 126 ? 2 : length < 65_536 ? 4 : 10;
    const head = Buffer.alloc(size);
    head[0] = FIN | opcode;
    head[1] = size === 2 ? length : size === 4 ? 126 : 127;
    if (size === 4) head.writeUInt16BE(length, 2);
    else if (size === 10) head.writeBigUInt64BE(BigInt(length), 2);
    this.#socket.cork();
    this.#socket.write(head);
    const goesOn = this.#socket.write(payload);
    this.#socket.uncork();
    return goesOn;
  }

  #close(code: number): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#send(OPCODE.CLOSE, Buffer.from([code >> 8, code & 0xff]));
    this.#socket.end();
  }

  /** What the peer does is not allowed: nothing more of it is read. */
  #refuse(code: number): void {
    this.#close(code);
    this.#rest = NOTHING;
    this.#peerEnded();
  }

  #receive(received: Buffer): void {
    let chunk = this.#rest.length === 0 ? received : Buffer.concat([this.#rest, received]);
    this.#rest = NOTHING;
    while (chunk.length > 0 && !this.#isClosing) {
      if (this.#left > 0) {
        const payload = chunk.subarray(0, this.#left);
        chunk = chunk.subarray(payload.length);
        this.#left -= payload.length;
        this.#unmask(payload);
        if (!this.push(payload)) this.#socket.pause();
        continue;
      }
      const taken = this.#frame(chunk);
      if (taken === 0) {
        if (!this.#isClosing) this.#rest = chunk;
        return;
      }
      chunk = chunk.subarray(taken);
    }
  }

  /** Reads the head of a frame, and the whole of a control frame. @returns bytes read; 0: there are not enough yet */
  #frame(chunk: Buffer): number {
    if (chunk.length < 2) return 0;
    const [first = 0, second = 0] = chunk;
    const opcode = first & 0x0f;
    const isFinal = (first & FIN) !== 0;
    const short = second & 0x7f;
    const isControl = opcode >= OPCODE.CLOSE;
    const isReserved = (first & 0x70) !== 0 || opcode > OPCODE.PONG || (opcode > OPCODE.BINARY && !isControl);
    const isMasked = (second & 0x80) !== 0;
    const isOutOfPlace = isControl
      ? !isFinal || short > MAX_CONTROL_BYTES
      : (opcode === OPCODE.CONTINUATION) !== this.#isFragmented;
    if (isReserved || !isMasked || isOutOfPlace) {
      this.#refuse(CLOSE_CODE.PROTOCOL_ERROR);
      return 0;
    }
    if (opcode === OPCODE.TEXT) {
      this.#refuse(CLOSE_CODE.NOT_BINARY);
      return 0;
    }
    const maskAt = short < 126 ? 2 : short === 126 ? 4 : 10;
    const bodyAt = maskAt + MASK_BYTES;
    if (chunk.length < bodyAt + (isControl ? short : 0)) return 0;
    chunk.copy(this.#mask, 0, maskAt, bodyAt);
    this.#maskOffset = 0;
    if (isControl) {
      const payload = chunk.subarray(bodyAt, bodyAt + short);
      this.#unmask(payload);
      this.#control(opcode, payload);
      return bodyAt + short;
    }
    this.#isFragmented = !isFinal;
    this.#left = short < 126 ? short : short === 126 ? chunk.readUInt16BE(2) : Number(chunk.readBigUInt64BE(2));
    return bodyAt;
  }

  #control(opcode: number, payload: Buffer): void {
    // A peer that pings and reads no answer gets none: what waits for it is bounded.
    if (opcode === OPCODE.PING && !this.#socket.writableNeedDrain) this.#send(OPCODE.PONG, payload);
    if (opcode !== OPCODE.CLOSE) return;
    this.#close(CLOSE_CODE.NORMAL);
    this.#peerEnded();
  }

  /** Four bytes at a time where memory is aligned: byte by byte, a megabyte takes milliseconds. */
  #unmask(payload: Buffer): void {
    const { length } = payload;
    const head = length < FEW_BYTES ? length : (4 - (payload.byteOffset & 3)) & 3;
    const words =
      head === length ? NO_WORDS : new Uint32Array(payload.buffer, payload.byteOffset + head, (length - head) >> 2);
    const tail = head + words.length * 4;
    this.#unmaskBytes(payload, 0, head);
    for (let i = 0; i < MASK_BYTES; i++) this.#turned[i] = this.#mask[(this.#maskOffset + head + i) & 3] ?? 0;
    const mask = this.#turnedWord[0] ?? 0;
    for (let i = 0; i < words.length; i++) words[i] = (words[i] ?? 0) ^ mask;
    this.#unmaskBytes(payload, tail, length);
    this.#maskOffset = (this.#maskOffset + length) & 3;
  }

  #unmaskBytes(payload: Buffer, from: number, to: number): void {
    for (let i = from; i < to; i++) {
      payload[i] = (payload[i] ?? 0) ^ (this.#mask[(this.#maskOffset + i) & 3] ?? 0);
    }
  }
}
