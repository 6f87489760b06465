import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { type AppError, commonErrors } from '#kernel/errors.ts';
import type { Logger } from '#kernel/logger.ts';
import { limitPerAddress, tellSometimes } from './connections.ts';
import { METHODS, requestIdOf } from './edge-headers.ts';
import type { HttpLimits } from './http.limits.ts';
import { nodeHttp } from './node-http.ts';
import { problemOf, TITLES } from './problem.ts';

export interface NodeServerOptions {
  readonly limits: HttpLimits;
  readonly isProxy: (address: string) => boolean;
  readonly headers: Readonly<Record<string, string>>;
  /** For what the hooks of CORS never see. */
  readonly corsHeaders: (origin: string | undefined) => Readonly<Record<string, string>>;
  readonly logger: Logger;
  /** Something was answered that could not be read as a request, or not to its end. */
  readonly onRefused: (refused: RefusedRequest) => void;
}

export interface RefusedRequest {
  readonly status: number;
  readonly requestId: string;
  readonly method: string | null;
  readonly url: string | null;
}

/** How often Node looks for requests that take too long. */
const CHECKS_PER_TIMEOUT = 5;

/** No address of ours is one to tunnel to: what the others take. */
const ALLOWED = [...METHODS, 'OPTIONS'].join(', ');

/** Node's server with limits for whoever connects, and answers where its parser would give bare ones. */
export function createNodeServer(handler: RequestListener, options: NodeServerOptions): Server {
  const { limits, isProxy, logger } = options;
  const server: Server = nodeHttp.createServer({
    ServerResponse: responsesWith(options.headers),
    headersTimeout: limits.headMs,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.keepAliveMs,
    connectionsCheckingInterval: Math.ceil(limits.headMs / CHECKS_PER_TIMEOUT),
    // Answered like any other request that is malformed, see router-errors.ts.
    requireHostHeader: false,
    shouldUpgradeCallback: (request) => isWebSocket(request) && server.listenerCount('upgrade') > 0,
  });
  server.on('request', handler);
  // Whatever else a client expects than to be told to go on (which Node does), the answer shows what it gets.
  server.on('checkExpectation', handler);
  server.on('connect', (request, socket) =>
    answer(socket, commonErrors.method_not_allowed(), options, { request, headers: { allow: ALLOWED } }),
  );
  server.on('clientError', (error: Error & { code?: string }, socket) => refuse(error, socket, options));
  server.setTimeout(limits.silenceMs);

  server.maxConnections = limits.connections;
  server.on('drop', tellSometimes(logger, 'connections are closed unanswered: HTTP_CONNECTIONS are open'));
  const tell = tellSometimes(logger, 'connections are closed unanswered: one address has HTTP_CONNECTIONS_PER_ADDRESS');
  server.on('connection', limitPerAddress(limits.connectionsPerAddress, isProxy, tell));
  return server;
}

/** Socket.IO answers its own addresses before Fastify sees them: what every answer carries is on those from the start. */
function responsesWith(headers: Readonly<Record<string, string>>): typeof ServerResponse {
  return class<Request extends IncomingMessage> extends nodeHttp.ServerResponse<Request> {
    /** With Node's own options, which its types leave out. */
    constructor(...args: [request: Request]) {
      super(...args);
      const [request] = args;
      if (!isSocketIo(request)) return;
      this.setHeaders(new Map(Object.entries({ ...headers, 'x-request-id': requestIdOf(request) })));
    }
  };
}

function isSocketIo({ url = '' }: IncomingMessage): boolean {
  return url.startsWith('/socket.io');
}

/** Only Socket.IO speaks anything else than HTTP here. An offer of HTTP/2 is one that a server may leave. */
function isWebSocket(request: IncomingMessage): boolean {
  return request.headers.upgrade?.toLowerCase() === 'websocket' && isSocketIo(request);
}

const ERROR_BY_CODE: Readonly<Record<string, () => AppError>> = {
  ERR_HTTP_REQUEST_TIMEOUT: commonErrors.request_timeout,
  HPE_HEADER_OVERFLOW: commonErrors.headers_too_large,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: commonErrors.body_too_large,
};

type HttpSocket = Duplex & {
  readonly bytesRead?: number;
  /** Node's own: the answer that is being written. */
  readonly _httpMessage?: { readonly headersSent: boolean; readonly req: IncomingMessage } | null;
};

function refuse(error: Error & { readonly code?: string }, socket: HttpSocket, options: NodeServerOptions): void {
  // Gone; or it connected and never said a word, as browsers do in advance; or it is in the middle of an answer.
  const isSilent = error.code === 'ERR_HTTP_REQUEST_TIMEOUT' && socket.bytesRead === 0;
  if (error.code === 'ECONNRESET' || !socket.writable || isSilent || socket._httpMessage?.headersSent === true) {
    socket.destroy();
    return;
  }
  answer(socket, (ERROR_BY_CODE[error.code ?? ''] ?? commonErrors.malformed_request)(), options);
}

/** Writes a whole answer to a connection whose request did not come to its end, and ends it. */
function answer(
  socket: HttpSocket,
  error: AppError,
  { headers, corsHeaders, onRefused }: NodeServerOptions,
  known: { readonly request?: IncomingMessage; readonly headers?: Readonly<Record<string, string>> } = {},
): void {
  const request = known.request ?? socket._httpMessage?.req;
  const requestId = requestIdOf(request ?? { headers: {} });
  const problem = problemOf(error, requestId);
  const body = JSON.stringify(problem);
  const head = {
    ...headers,
    ...corsHeaders(request?.headers.origin),
    ...known.headers,
    'x-request-id': requestId,
    'content-type': 'application/problem+json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  };
  const lines = Object.entries(head).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${problem.status} ${TITLES[problem.status]}\r\n${lines.join('')}\r\n${body}`, () =>
    socket.destroy(),
  );
  onRefused({ status: problem.status, requestId, method: request?.method ?? null, url: request?.url ?? null });
}
