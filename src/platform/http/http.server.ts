import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import cookies from '@fastify/cookie';
import cors from '@fastify/cors';
import rateLimit from '@fastify/rate-limit';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify from 'fastify';
import { addressBlock } from '#kernel/addresses.ts';
import { commonErrors } from '#kernel/errors.ts';
import type { Component } from '#kernel/lifecycle.ts';
import type { Logger } from '#kernel/logger.ts';
import type { CounterStore } from '#platform/cache/cache.port.ts';
import type { Tracing } from '#platform/tracing/tracing.port.ts';
import { createAccessHook, createSecondCheck } from './access.ts';
import { proxiesOf } from './connections.ts';
import { createDownloads, type DownloadsOptions } from './downloads.ts';
import { createCorsHeaders, EXPOSED_HEADERS, METHODS, requestIdOf, securityHeaders } from './edge-headers.ts';
import { HTTP_LIMITS, type HttpLimits } from './http.limits.ts';
import type { HttpApp, HttpAuthenticator, HttpMount } from './http.port.ts';
import { Problem } from './http.schemas.ts';
import { addListEtags } from './list-etags.ts';
import { createNodeServer, type NodeServerOptions } from './node-server.ts';
import type { ApiDescription } from './openapi.document.ts';
import { registerApiDocument } from './openapi.ts';
import { guardOperations, type OperationsOptions } from './operations.ts';
import { createErrorHandler } from './problem.ts';
import { publicAddress } from './public-address.port.ts';
import { createRateLimitStore } from './rate-limit.ts';
import { readBodies } from './request-body.ts';
import { traceRequests } from './request-traces.ts';
import { MAX_PARAM_LENGTH, refuseUnroutable } from './router-errors.ts';
import { createValidatorCompiler } from './validation.ts';

export interface HttpServerOptions {
  readonly host: string;
  readonly port: number;
  readonly logger: Logger;
  readonly version: string;
  /** Where browsers reach this server, when that is known. */
  readonly publicUrl?: string | null;
  /** What the API document says beside its operations. */
  readonly description?: ApiDescription;
  /** Allowed origins; empty: no CORS headers at all. `*` allows every origin. */
  readonly corsOrigins: readonly string[];
  /** Fastify's `trustProxy`: which peers' X-Forwarded-For is believed. */
  readonly trustProxy: boolean | string;
  /** Requests a minute and client IP, or null for none. */
  readonly rateLimit: { readonly max: number; readonly windowMs: number } | null;
  /** Changes that a USER may make, or null for as many as it likes. Default: null. */
  readonly writeLimit?: { readonly max: number; readonly windowMs: number } | null;
  readonly counters: CounterStore;
  /** Where metrics and documents are, and for whom; default: for anyone, where everything is. */
  readonly operations?: OperationsOptions;
  /** Those that differ from `HTTP_LIMITS`. */
  readonly limits?: Partial<HttpLimits>;
  readonly authenticator: HttpAuthenticator;
  readonly tracing: Tracing;
  /** Each module's routes, mounted at its prefix. */
  readonly routes: readonly HttpMount[];
  readonly downloads?: Pick<DownloadsOptions, 'stalledAfterMs'>;
  /** Told the port that is listened on. */
  readonly onListening?: (port: number) => void;
  /** Called once a request with what the metrics need. */
  readonly onResponse?: (observation: { method: string; route: string; status: number; elapsedMs: number }) => void;
}

export interface HttpServer extends Component {
  /** The port of metrics and documents, where they have one of their own and it is listened on. */
  operationsPort(): number | undefined;
  /** The Fastify instance, for Socket.IO to attach to and for tests to inject into. */
  readonly app: HttpApp;
  /** The port that is listened on (differs from the option when that was 0). */
  port(): number;
  /** Cuts off the files that a user is receiving; null: that any user is. */
  endDownloads(userId: number | null): void;
  recheckDownloads(userId: number): void;
}

/**
 * The HTTP edge: request id → request log → CORS → (rate limit) → access rule → route, problem+json for
 * every error. Routes are registered here, before `start`; `start` only listens.
 */
export async function createHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { logger, trustProxy, writeLimit = null } = options;
  const writes = writeLimit === null ? null : { ...writeLimit, counters: options.counters };
  const limits = { ...HTTP_LIMITS, ...options.limits };
  const { publicUrl = null, operations = { port: null, token: null } } = options;
  const { basePath, isTls } = publicAddress(publicUrl);
  const headers = { plain: securityHeaders(isTls), tls: securityHeaders(true) };
  const unreadable = new WeakSet<IncomingMessage>();
  let closing = false;

  function note(entry: RequestEntry, route: string): void {
    logger.info({ ...entry, elapsed_ms: Math.round(entry.elapsed_ms * 1000) / 1000 }, 'request');
    const { method, status, elapsed_ms: elapsedMs } = entry;
    options.onResponse?.({ method: method ?? 'unknown', route, status, elapsedMs });
  }

  const node: NodeServerOptions = {
    limits,
    isProxy: proxiesOf(trustProxy),
    headers: headers.plain,
    corsHeaders: createCorsHeaders(options.corsOrigins),
    logger,
    onRefused: ({ method, url, status, requestId: request_id }) =>
      note({ method, path: url && pathOf(url), status, elapsed_ms: 0, request_id, user_id: null }, 'unmatched'),
  };
  const app: HttpApp = Fastify({
    trustProxy,
    serverFactory: (handler) => createNodeServer(handler, node),
    // The server of `serverFactory` has its own.
    clientErrorHandler: () => {},
    genReqId: requestIdOf,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: MAX_PARAM_LENGTH },
    return503OnClosing: false,
    forceCloseConnections: 'idle' as const,
    // An address that cannot be decoded: taken as the text that it is, so that it goes through the hooks.
    frameworkErrors: (_error, request, reply) => {
      unreadable.add(request.raw);
      request.raw.url = encodeURI(request.raw.url ?? '/');
      app.routing(request.raw, reply.raw as ServerResponse);
    },
  }).withTypeProvider<TypeBoxTypeProvider>();

  app.decorateRequest('principal', null);
  app.decorateRequest('device', null);
  traceRequests(app, options.tracing);
  app.addSchema(Problem);
  app.setValidatorCompiler(createValidatorCompiler());
  app.setErrorHandler(createErrorHandler(logger));
  readBodies(app, limits);

  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(request.protocol === 'https' ? headers.tls : headers.plain).header('x-request-id', request.id);
    done();
  });
  const downloads = createDownloads({
    logger,
    checkAgain: createSecondCheck(options.authenticator),
    ...options.downloads,
  });
  app.addHook('onSend', downloads.onSend);
  app.addHook('onResponse', (request, reply, done) => {
    const entry = {
      method: request.method,
      path: pathOf(request.url),
      status: reply.statusCode,
      elapsed_ms: reply.elapsedTime,
      request_id: request.id,
      user_id: request.principal?.userId ?? null,
    };
    note(entry, request.routeOptions.url ?? 'unmatched');
    done();
  });
  if (options.corsOrigins.length > 0) {
    const any = options.corsOrigins.includes('*');
    await app.register(cors, {
      origin: any ? true : [...options.corsOrigins],
      exposedHeaders: [...EXPOSED_HEADERS],
      methods: [...METHODS],
    });
  }
  app.addHook('preClose', async () => {
    closing = true;
  });
  app.addHook('onRequest', (_request, _reply, done) => done(closing ? commonErrors.unavailable() : undefined));
  if (options.rateLimit !== null) {
    await app.register(rateLimit, {
      max: options.rateLimit.max,
      timeWindow: options.rateLimit.windowMs,
      enableDraftSpec: true,
      keyGenerator: (request) => addressBlock(request.ip),
      store: createRateLimitStore(options.counters),
      allowList: (request) => request.routeOptions.config.rateLimitExempt === true,
      errorResponseBuilder: (_request, context) =>
        commonErrors.rate_limited({ details: { retryAfterSeconds: context.ttl / 1000 } }),
    });
  }
  const ownPort = operations.port === null ? null : createNodeServer(app.routing, node);
  guardOperations(
    app,
    operations.token,
    ownPort && ((request) => ownPort.listening && request.raw.socket.localPort === portOf(ownPort)),
  );
  refuseUnroutable(app, unreadable, options.rateLimit === null ? null : app.rateLimit());
  if (basePath !== '') {
    // A proxy that took the path away does not put it back.
    app.addHook('onSend', (_request, reply, payload, done) => {
      const location = reply.getHeader('location');
      if (typeof location === 'string' && /^\/(?!\/)/.test(location)) reply.header('location', basePath + location);
      done(null, payload);
    });
  }
  addListEtags(app);
  app.addHook('onRoute', createAccessHook(options.authenticator, writes));
  const { version, description = { text: 'core-api', tags: {} } } = options;
  await registerApiDocument(app, { version, publicUrl, basePath, description });
  app.get('/', { config: { access: 'public' }, schema: { hide: true } }, async (_request, reply) =>
    reply.redirect('/docs'),
  );

  for (const { prefix, routes, cookies: readsCookies } of options.routes) {
    await app.register(
      async (scope) => {
        if (readsCookies === true) await scope.register(cookies);
        await routes(scope as HttpApp);
      },
      { prefix },
    );
  }
  await app.ready();

  return {
    name: 'http',
    app,
    async start() {
      await app.listen({ host: options.host, port: options.port });
      options.onListening?.(portOf(app.server) ?? options.port);
      if (ownPort === null) return;
      ownPort.listen({ host: options.host, port: operations.port ?? 0 });
      await once(ownPort, 'listening');
    },
    async stop() {
      if (ownPort?.listening === true) ownPort.close();
      await app.close();
    },
    endDownloads: downloads.end,
    recheckDownloads: downloads.recheck,
    operationsPort: () => (ownPort === null ? undefined : portOf(ownPort)),
    port() {
      return portOf(app.server) ?? options.port;
    },
  };
}

interface RequestEntry {
  /** Null: of what could not be read as a request. */
  readonly method: string | null;
  readonly path: string | null;
  readonly status: number;
  readonly elapsed_ms: number;
  readonly request_id: string;
  readonly user_id: number | null;
}

/** Undefined unless it listens. */
function portOf(server: Server): number | undefined {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : undefined;
}

function pathOf(url: string): string {
  const query = url.indexOf('?');
  return query === -1 ? url : url.slice(0, query);
}
