import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A client that writes what it likes: requests that no HTTP library would send. */
export interface RawClient {
  readonly socket: Socket;
  /** What has come so far. */
  received(): string;
  /** Resolves with all that came when the server has closed the connection. */
  closed(): Promise<string>;
  /** Resolves when what has come matches. */
  until(pattern: RegExp): Promise<string>;
}

/** @param from another address of the loopback, as another client has one */
export async function rawClient(port: number, text: string | Buffer = '', from = '127.0.0.1'): Promise<RawClient> {
  const socket = connect({ port, host: '127.0.0.1', localAddress: from });
  let received = '';
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1');
  });
  // A connection that is cut says so; the tests look at what came before.
  socket.on('error', () => {});
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await once(socket, 'connect');
  socket.write(text);
  return {
    socket,
    received: () => received,
    closed: async () => {
      await closed;
      return received;
    },
    async until(pattern) {
      while (!pattern.test(received)) await Promise.race([once(socket, 'data'), failWhen(closed, () => received)]);
      return received;
    },
  };
}

async function failWhen(closed: Promise<unknown>, received: () => string): Promise<never> {
  await closed;
  throw new Error(`the connection was closed after: ${received()}`);
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The first answer in what a raw client received. */
export function parseAnswer(text: string): RawAnswer {
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const [statusLine = '', ...lines] = head.split('\r\n');
  const headers = lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return {
    status: Number(statusLine.split(' ')[1]),
    headers: Object.fromEntries(headers),
    body: rest.join('\r\n\r\n'),
  };
}
