import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger, FastifyInstance, FastifyRequest, RawServerDefault } from 'fastify';
import type { Principal, RequestOrigin, UserRole } from '#kernel/access.ts';
import { plainAddress } from '#kernel/addresses.ts';
import { defined } from '#kernel/defined.ts';
import { type AppError, commonErrors } from '#kernel/errors.ts';
import { preferredLanguage } from '#kernel/language.ts';
import type { Span } from '../tracing/tracing.port.ts';

/**
 * Who may call a route. Every route declares one in `config.access`; a route without it stops the start.
 * - `public`: anyone, no token is looked at
 * - `bearer`: any signed-in user (the service narrows further, e.g. to owned devices)
 * - a list of roles: signed-in users of one of these roles, others get 403
 * - `device`: HTTP Basic with a device's `device_uid:secret`
 */
export type AccessRule = 'public' | 'bearer' | 'device' | readonly UserRole[];

/** A device that has proven its secret, on whatever transport. */
export interface DevicePrincipal {
  readonly deviceId: number;
  readonly deviceUid: string;
}

export interface HttpAuthenticator {
  /** @throws AppError `unauthenticated` for a token that is malformed, expired, revoked or of a user who lost access. */
  bearer(token: string): Promise<Principal>;
  /** @throws AppError `unauthenticated` */
  device(deviceUid: string, secret: string, origin: RequestOrigin): Promise<DevicePrincipal>;
}

/** What a module's `*.routes.ts` receives: Fastify, typed by TypeBox schemas. */
export type HttpApp = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

export type HttpRoutes = (app: HttpApp) => void | Promise<void>;

/** Routes and where they live: `{prefix: '/api/v1/users', routes}`. A module returns a list of these. */
export interface HttpMount {
  readonly prefix: string;
  /** Whether its routes read and set cookies (`request.cookies`, `reply.setCookie`). */
  readonly cookies?: true;
  readonly routes: HttpRoutes;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: AccessRule;
    /**
     * The errors that this route can answer with, for the API document, beyond those of every route of its kind:
     * `[deviceErrors.device_not_found, deviceErrors.device_uid_taken]`. A test that gets another one fails.
     */
    problems?: readonly (() => AppError)[];
    /** Not with a personal access token: what decides over credentials takes a person who has signed in. */
    sessionOnly?: true;
    /** Ends sessions of the caller: whoever has made too many changes may do that still. */
    endsAccess?: boolean;
    /**
     * Its body is a file that is taken as it comes: not held, not decoded, and with no time for all of it, only for each part.
     * The route counts what it takes against its `bodyLimit`.
     */
    streamsBody?: true;
    /** Exempt from the rate limit (probes and documents). */
    rateLimitExempt?: boolean;
    /** For operators: with METRICS_PORT only there, with METRICS_TOKEN only for who shows it. */
    operations?: boolean;
    /** Asked by whatever runs the process: at every port, without a token. */
    probe?: boolean;
  }
  interface FastifyRequest {
    principal: Principal | null;
    device: DevicePrincipal | null;
    /** Of this request, while traces are recorded and this one is among them. */
    span: Span | null;
  }
}

/** What routes of people declare that take a file, such as an import: `bodyLimit: FILE_BODY_BYTES`. */
export const FILE_BODY_BYTES = 4 * 1024 * 1024;

/** The signed-in user of a route whose rule is `bearer` or a list of roles. */
export function principalOf(request: Pick<FastifyRequest, 'principal'>): Principal {
  if (request.principal === null) throw commonErrors.authentication_required();
  return request.principal;
}

/** Where a request comes from: for routes that know no principal, whose own `origin` says it otherwise. */
export function originOf(request: Pick<FastifyRequest, 'ip' | 'id' | 'headers'>): RequestOrigin {
  const language = preferredLanguage(request.headers['accept-language']);
  const userAgent = request.headers['user-agent'];
  return {
    ip: plainAddress(request.ip),
    requestId: request.id,
    ...(language === null ? {} : { language }),
    ...defined({ userAgent }),
  };
}

/** The device of a route whose rule is `device`. */
export function deviceOf(request: Pick<FastifyRequest, 'device'>): DevicePrincipal {
  if (request.device === null) throw commonErrors.authentication_required();
  return request.device;
}
