import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface Cut {
  /** Counts the requests that match, from 1, since `loseConnection` was called. */
  readonly request: number;
  /** The request is lost, or its answer. */
  readonly moment: 'before' | 'after';
}

export interface LossyProxy {
  /** The address of the server by way of the proxy. */
  readonly url: string;
  /** Ends the connection of one request, once. */
  loseConnection(cut: Cut): void;
  close(): Promise<void>;
}

/**
 * A way to the server at `url` on which a connection is lost at a chosen request.
 * @param matching what of a chunk of bytes makes it the beginning of a request that counts
 */
export async function createLossyProxy(url: string, matching: RegExp): Promise<LossyProxy> {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  let cut: Cut | undefined;
  let seen = 0;

  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    let answerIsLost = false;
    const end = () => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        end();
      });
    }
    client.on('data', (bytes) => {
      if (cut !== undefined && matching.test(bytes.toString('latin1'))) seen += 1;
      if (cut === undefined || seen !== cut.request) return void upstream.write(bytes);
      const { moment } = cut;
      cut = undefined;
      if (moment === 'before') return end();
      answerIsLost = true;
      upstream.write(bytes);
    });
    upstream.on('data', (bytes) => {
      if (answerIsLost) end();
      else client.write(bytes);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = new URL(url);
  address.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    url: address.href,
    loseConnection(next) {
      cut = next;
      seen = 0;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
