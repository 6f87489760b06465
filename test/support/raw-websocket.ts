import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A WebSocket without a library: sends what it likes and reads only when it wants to. */
export interface RawWebSocket {
  readonly socket: Socket;
  /** Sends `frame` so many times; resolves when the kernel has taken all, or the server has ended the connection. */
  send(frame: Buffer, times: number): Promise<void>;
  close(): void;
}

export const OPCODE = { text: 0x1, ping: 0x9 } as const;
const CHUNK_BYTES = 64 * 1024;

/** A frame as a client sends it: whole and masked (by zero: as it is). RFC 6455, section 5.2. @param payload up to 125 bytes */
export function clientFrame(opcode: number, payload: string): Buffer {
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | payload.length, 0, 0, 0, 0]), Buffer.from(payload)]);
}

/** Upgrades, and reads no more after that. @param target path and query */
export async function openRawWebSocket(port: number, target: string, protocol?: string): Promise<RawWebSocket> {
  const socket = connect({ host: '127.0.0.1', port });
  // A server that ends it is what many a test is about.
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(
    [
      `GET ${target} HTTP/1.1`,
      `host: 127.0.0.1:${port}`,
      'connection: upgrade',
      'upgrade: websocket',
      'sec-websocket-version: 13',
      `sec-websocket-key: ${randomBytes(16).toString('base64')}`,
      ...(protocol === undefined ? [] : [`sec-websocket-protocol: ${protocol}`]),
      '\r\n',
    ].join('\r\n'),
  );
  const [head] = (await Promise.race([once(socket, 'data'), once(socket, 'close')])) as [Buffer | boolean];
  if (!String(head).startsWith('HTTP/1.1 101')) throw new Error(`no upgrade: ${String(head)}`);
  socket.pause();
  return {
    socket,
    async send(frame, times) {
      const perChunk = Math.max(1, Math.floor(CHUNK_BYTES / frame.length));
      const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
      for (let sent = 0; sent < times && !socket.destroyed; sent += perChunk) {
        const frames = Buffer.concat(Array<Buffer>(Math.min(perChunk, times - sent)).fill(frame));
        await Promise.race([new Promise<void>((resolve) => socket.write(frames, () => resolve())), closed]);
      }
    },
    close: () => socket.destroy(),
  };
}
