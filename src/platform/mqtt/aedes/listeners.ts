import type { Server as HttpServer, IncomingMessage } from 'node:http';
import { createServer, type Server as NetServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { plainAddress } from '#kernel/addresses.ts';
import type { Logger } from '#kernel/logger.ts';
import { nodeHttp } from '#platform/http/node-http.ts';
import type { Transport } from '../downlink.port.ts';
import type { ClientCertificate } from '../mqtt.port.ts';
import { clientCertificateOf, createTlsListener, type TlsListenerOptions } from './tls-listener.ts';
import { acceptWebSocket } from './web-socket.ts';

export interface ListenOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** MQTT over WebSocket (subprotocol `mqtt`, any path); null: not offered. */
  readonly wsPort?: number | null;
  readonly tls?: TlsListenerOptions | null;
  readonly logger: Logger;
}

export interface Ports {
  readonly mqtt: number;
  readonly ws: number | null;
  readonly tls: number | null;
}

/** Where a connection comes from. */
export interface Origin {
  readonly ipAddress: string | null;
  /** Names the connection below. */
  readonly peer: string;
  readonly transport: Transport;
  /** Of the device, which has its key; null: it showed none. */
  readonly certificate: ClientCertificate | null;
}

interface Callbacks {
  /** Somebody is there, before any handshake: `peer` names the connection, also for `accept`. */
  arrived(peer: string, socket: Socket): void;
  accept(stream: Duplex, origin: Origin): void;
  /** A connection that did not come to be. */
  failed(reason: string, error: Error): void;
}

export interface Listeners {
  readonly ports: Ports;
  /** Accepts no more. Resolves at once; open connections are the caller's. */
  close(): void;
}

const TCP_KEEP_ALIVE_MS = 60_000;
/** For TLS and for the request of a WebSocket. */
const HANDSHAKE_MS = 10_000;
const SOCKET_OPTIONS = {
  // A peer that has closed its side still gets its acknowledgements.
  allowHalfOpen: true,
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: TCP_KEEP_ALIVE_MS,
};

/**
 * Opens all listeners, or none.
 * @throws Error with the system's `code`, e.g. `EADDRINUSE`, `EACCES`, or `ENOENT` for a certificate
 */
export async function listen(options: ListenOptions, callbacks: Callbacks): Promise<Listeners> {
  const { host } = options;
  const open: NetServer[] = [];
  let stopChecking = () => {};
  const accept = (socket: Socket) => callbacks.accept(socket, originOf(socket));

  async function start(server: NetServer, port: number): Promise<number> {
    // Errors before a TLS handshake or an upgrade is done; they end in a `close` anyway.
    server.on('connection', (socket: Socket) => {
      socket.on('error', () => {});
      callbacks.arrived(peerOf(socket), socket);
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port }, () => {
        server.off('error', reject);
        server.on('error', (error) => callbacks.failed('accept_failed', error));
        resolve();
      });
    });
    open.push(server);
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : port;
  }

  function close(): void {
    stopChecking();
    for (const server of open.splice(0)) {
      server.close();
      if (server instanceof nodeHttp.Server) server.closeAllConnections();
    }
  }

  try {
    const mqtt = await start(createServer(SOCKET_OPTIONS, accept), options.port);
    let tls: number | null = null;
    if (options.tls) {
      const sockets = { ...SOCKET_OPTIONS, handshakeTimeout: HANDSHAKE_MS };
      const listener = await createTlsListener(options.tls, sockets, accept, options.logger);
      stopChecking = listener.close;
      listener.server.on('tlsClientError', (error) => callbacks.failed('tls_error', error));
      tls = await start(listener.server, options.tls.port);
    }
    let ws: number | null = null;
    if (typeof options.wsPort === 'number') {
      ws = await start(createWebSocketListener(callbacks), options.wsPort);
    }
    return { ports: { mqtt, ws, tls }, close };
  } catch (error) {
    close();
    throw error;
  }
}

function createWebSocketListener(callbacks: Callbacks): HttpServer {
  const timeouts = { headersTimeout: HANDSHAKE_MS, requestTimeout: HANDSHAKE_MS, connectionsCheckingInterval: 1_000 };
  const server = nodeHttp.createServer(timeouts, (_request, response) => {
    response.writeHead(426, { connection: 'close', upgrade: 'websocket' }).end();
  });
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    socket.setNoDelay(true);
    const origin = { ...originOf(socket), transport: 'websocket' } as const;
    const stream = acceptWebSocket(request, socket, head);
    if (stream !== null) callbacks.accept(stream, origin);
  });
  server.on('clientError', (error, socket) => {
    callbacks.failed('websocket_error', error);
    socket.destroy();
  });
  return server;
}

/** IPv4 as such, also where the socket is IPv6. */
export function ipOf(socket: Socket): string | null {
  return socket.remoteAddress === undefined ? null : plainAddress(socket.remoteAddress);
}

function originOf(socket: Socket): Origin {
  return {
    ipAddress: ipOf(socket),
    peer: peerOf(socket),
    transport: socket instanceof TLSSocket ? 'tls' : 'tcp',
    certificate: clientCertificateOf(socket),
  };
}

/** The same for the TLS and the TCP side of a connection. */
function peerOf({ remoteAddress, remotePort, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localPort}`;
}
