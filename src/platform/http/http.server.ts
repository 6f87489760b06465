import cors from '@fastify/cors';
import rateLimit from '@fastify/rate-limit';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { Ajv, type ErrorObject } from 'ajv';
import addFormatsModule from 'ajv-formats';
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import { commonErrors } from '#kernel/errors.ts';
import { createId } from '#kernel/ids.ts';
import type { Component } from '#kernel/lifecycle.ts';
import type { Logger } from '#kernel/logger.ts';
import type { CounterStore } from '#platform/cache/cache.port.ts';
import type { Tracing } from '#platform/tracing/tracing.port.ts';
import { createAccessHook } from './access.ts';
import type { HttpApp, HttpAuthenticator, HttpMount } from './http.port.ts';
import { isInstant, Problem } from './http.schemas.ts';
import { type ApiDescription, markDocumentRoutes, registerApiDocument } from './openapi.ts';
import { createErrorHandler, sendProblem } from './problem.ts';
import { createRateLimitStore } from './rate-limit.ts';
import { traceRequests } from './request-traces.ts';

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
  readonly counters: CounterStore;
  readonly authenticator: HttpAuthenticator;
  readonly tracing: Tracing;
  /** Each module's routes, mounted at its prefix. */
  readonly routes: readonly HttpMount[];
  /** Called once a request with what the metrics need. */
  readonly onResponse?: (observation: { method: string; route: string; status: number; elapsedMs: number }) => void;
}

export interface HttpServer extends Component {
  /** The Fastify instance, for Socket.IO to attach to and for tests to inject into. */
  readonly app: HttpApp;
  /** The port that is listened on (differs from the option when that was 0). */
  port(): number;
}

/** A body limit that holds a bulk import and 1,000 telemetry items of the largest size that is useful. */
const BODY_LIMIT_BYTES = 4 * 1024 * 1024;
const REQUEST_ID = /^[A-Za-z0-9._:-]{1,128}$/;

/**
 * The HTTP edge: request id → request log → CORS → (rate limit) → access rule → route, problem+json for
 * every error. Routes are registered here, before `start`; `start` only listens.
 */
export async function createHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { logger } = options;
  const handleError = createErrorHandler(logger);
  const app: HttpApp = Fastify({
    trustProxy: options.trustProxy,
    bodyLimit: BODY_LIMIT_BYTES,
    genReqId: (request) => {
      const incoming = request.headers['x-request-id'];
      return typeof incoming === 'string' && REQUEST_ID.test(incoming) ? incoming : createId();
    },
    // Longer than an address can be: the route's schema judges each part, and answers 422 rather than 500.
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 64 * 1024 },
    return503OnClosing: true,
    forceCloseConnections: 'idle' as const,
    // An address that cannot be decoded is refused before any hook runs.
    frameworkErrors: (error, request, reply) => {
      reply.header('x-request-id', request.id);
      handleError(error, request, reply as FastifyReply);
    },
  }).withTypeProvider<TypeBoxTypeProvider>();

  app.decorateRequest('principal', null);
  app.decorateRequest('device', null);
  traceRequests(app, options.tracing);
  app.addSchema(Problem);
  app.setValidatorCompiler(createValidatorCompiler());
  app.setErrorHandler(handleError);
  // Fastify takes text from everyone otherwise; a route that wants it says so.
  app.removeContentTypeParser('text/plain');

  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
  });
  app.addHook('onResponse', async (request, reply) => {
    const elapsedMs = reply.elapsedTime;
    logger.info(
      {
        method: request.method,
        path: pathOf(request),
        status: reply.statusCode,
        elapsed_ms: Math.round(elapsedMs * 1000) / 1000,
        request_id: request.id,
        user_id: request.principal?.userId ?? null,
      },
      'request',
    );
    options.onResponse?.({
      method: request.method,
      route: request.routeOptions.url ?? 'unmatched',
      status: reply.statusCode,
      elapsedMs,
    });
  });
  if (options.corsOrigins.length > 0) {
    const any = options.corsOrigins.includes('*');
    await app.register(cors, {
      origin: any ? true : [...options.corsOrigins],
      exposedHeaders: ['X-Request-ID', 'Retry-After', 'RateLimit-Limit', 'RateLimit-Remaining', 'RateLimit-Reset'],
      methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    });
  }
  if (options.rateLimit !== null) {
    await app.register(rateLimit, {
      max: options.rateLimit.max,
      timeWindow: options.rateLimit.windowMs,
      enableDraftSpec: true,
      store: createRateLimitStore(options.counters),
      allowList: (request) => request.routeOptions.config.rateLimitExempt === true,
      errorResponseBuilder: (_request, context) =>
        commonErrors.rate_limited({ details: { retryAfterSeconds: context.ttl / 1000 } }),
    });
  }
  app.setNotFoundHandler(options.rateLimit === null ? {} : { preHandler: app.rateLimit() }, (request, reply) =>
    sendProblem(commonErrors.not_found(), request, reply),
  );
  app.addHook('onRoute', markDocumentRoutes);
  app.addHook('onRoute', createAccessHook(options.authenticator));
  const { version, description, publicUrl = null } = options;
  await registerApiDocument(app, { version, publicUrl, ...(description === undefined ? {} : { description }) });

  for (const { prefix, routes } of options.routes) {
    await app.register(async (scope) => routes(scope as HttpApp), { prefix });
  }
  await app.ready();

  return {
    name: 'http',
    app,
    async start() {
      await app.listen({ host: options.host, port: options.port });
    },
    async stop() {
      await app.close();
    },
    port() {
      const address = app.server.address();
      return typeof address === 'object' && address !== null ? address.port : options.port;
    },
  };
}

function pathOf(request: FastifyRequest): string {
  const query = request.url.indexOf('?');
  return query === -1 ? request.url : request.url.slice(0, query);
}

interface Validate {
  (data: unknown): boolean;
  errors?: ErrorObject[] | null;
}

/** Bodies are taken literally; only what arrives as text (query, path, headers) is coerced. */
function createValidatorCompiler() {
  const addFormats = addFormatsModule.default;
  const shared = { removeAdditional: false, useDefaults: true, allErrors: false, strict: false } as const;
  const literal = new Ajv({ ...shared, coerceTypes: false });
  const coercing = new Ajv({ ...shared, coerceTypes: 'array' });
  for (const ajv of [literal, coercing]) {
    addFormats(ajv);
    ajv.addFormat('date-time', isInstant);
  }
  return ({ schema, httpPart }: { schema: object; httpPart?: string }): Validate =>
    httpPart === 'body' ? literal.compile(schema) : withPlainIntegers(schema, coercing.compile(schema));
}

/** Coercion takes whatever JavaScript's `Number` takes: ` 1`, `1e3`, `0x10`. An id in an address is digits. */
function withPlainIntegers(schema: object, validate: Validate): Validate {
  const { properties = {} } = schema as { properties?: Readonly<Record<string, { readonly type?: unknown }>> };
  const names = Object.keys(properties).filter((name) => properties[name]?.type === 'integer');
  if (names.length === 0) return validate;
  const strict: Validate = (data) => {
    for (const name of names) {
      const value = (data as Readonly<Record<string, unknown>>)[name];
      if (typeof value !== 'string' || /^-?\d{1,15}$/.test(value)) continue;
      strict.errors = [
        { instancePath: `/${name}`, schemaPath: '', keyword: 'type', message: 'must be integer', params: {} },
      ];
      return false;
    }
    const valid = validate(data);
    strict.errors = validate.errors ?? null;
    return valid;
  };
  return strict;
}
