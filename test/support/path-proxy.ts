import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface PathProxy {
  /** `http://127.0.0.1:4711/iot` */
  readonly url: string;
  /** Where it leads; the server is started knowing `url`. */
  leadTo(port: number): void;
  close(): Promise<void>;
}

/** A reverse proxy at a path of a host, as many installations have one: it takes the path away, and changes nothing else. */
export async function startPathProxy(path: string): Promise<PathProxy> {
  let target = 0;
  const server = createServer((incoming, answer) => {
    const { url = '/', method, headers } = incoming;
    if (url !== path && !url.startsWith(`${path}/`)) {
      answer.writeHead(404).end('not below the path');
      return;
    }
    const rest = url.slice(path.length) || '/';
    const asked = request({ port: target, host: '127.0.0.1', method, headers, path: rest }, (got) => {
      answer.writeHead(got.statusCode ?? 502, got.headers);
      got.pipe(answer);
    });
    asked.on('error', () => answer.destroy());
    incoming.pipe(asked);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`,
    leadTo: (port) => {
      target = port;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
