import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Behaviour, ReceivedCall } from '#platform/webhook/webhook.contract.ts';

export interface WebhookReceiver {
  /** `http://127.0.0.1:port/hook` */
  readonly url: string;
  readonly port: number;
  readonly received: readonly ReceivedCall[];
  behave(behaviour: Behaviour): void;
  disconnected(): Promise<void>;
  close(): Promise<void>;
}

const CHUNK = Buffer.alloc(16 * 1024, 'x');

/** A receiver of webhooks on a free port, that answers 204 until it is told otherwise. */
export async function startWebhookReceiver(): Promise<WebhookReceiver> {
  const received: ReceivedCall[] = [];
  let behaviour: Behaviour = { status: 204 };
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      received.push({ path: request.url ?? '', headers: request.headers, body });
      if (behaviour === 'hangs') return;
      if (behaviour === 'cuts') request.socket.destroy();
      else if (behaviour === 'endless') pour(response);
      else response.writeHead(behaviour.status, { ...behaviour.headers }).end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  let open = 0;
  let emptied = Promise.withResolvers<void>();
  server.on('connection', (socket) => {
    if (open === 0) emptied = Promise.withResolvers<void>();
    open += 1;
    socket.on('error', () => {});
    socket.on('close', () => {
      open -= 1;
      if (open === 0) emptied.resolve();
    });
  });
  return {
    url: `http://127.0.0.1:${port}/hook`,
    port,
    received,
    behave: (next) => {
      behaviour = next;
    },
    disconnected: () => (open === 0 ? Promise.resolve() : emptied.promise),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** As fast as it is taken, for ever. */
function pour(response: ServerResponse): void {
  if (!response.headersSent) response.writeHead(200);
  while (!response.destroyed && response.write(CHUNK));
  if (!response.destroyed) response.once('drain', () => pour(response));
}
