import type { Principal, UserRole } from '#kernel/access.ts';
import { type Clock, systemClock } from '#kernel/clock.ts';
import { commonErrors } from '#kernel/errors.ts';
import { type Logger, silentLogger } from '#kernel/logger.ts';
import type { DevicesApi } from '#modules/devices/index.ts';
import { createMemoryCounters } from '#platform/cache/memory-counters.ts';
import type { HttpApp, HttpAuthenticator, HttpMount } from '#platform/http/http.port.ts';
import { createHttpServer, type HttpServer, type HttpServerOptions } from '#platform/http/http.server.ts';
import { noTracing } from '#platform/tracing/no-tracing.ts';
import { createResponseCheck } from './openapi.ts';

export interface TestAppOptions {
  readonly routes: readonly HttpMount[];
  /** Default: `createTestAuthenticator()`. */
  readonly authenticator?: HttpAuthenticator;
  readonly clock?: Clock;
  readonly logger?: Logger;
  /** Anything else of the server, such as a rate limit. */
  readonly server?: Partial<HttpServerOptions>;
}

export interface TestRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS' | 'HEAD';
  readonly url: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is, with the content type of `headers` (default `application/json`). */
  readonly raw?: string | Buffer;
  /** A principal of the test authenticator, or a bearer token of the real one. */
  readonly as?: Principal | string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | number | boolean>>;
}

export interface TestResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly text: string;
  /** The parsed body. @throws when it is not JSON */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape
  json<T = any>(): T;
}

export interface TestApp {
  /** Of which another server of the same kind can be made. */
  readonly options: HttpServerOptions;
  readonly app: HttpApp;
  readonly endDownloads: HttpServer['endDownloads'];
  request(request: TestRequest): Promise<TestResponse>;
  close(): Promise<void>;
}

/** The real HTTP edge without a port: requests are injected. */
export async function createTestApp(options: TestAppOptions): Promise<TestApp> {
  const all: HttpServerOptions = {
    host: '127.0.0.1',
    port: 0,
    logger: options.logger ?? silentLogger,
    version: '0.0.0-test',
    corsOrigins: [],
    trustProxy: false,
    rateLimit: null,
    counters: createMemoryCounters({ clock: options.clock ?? systemClock }),
    authenticator: options.authenticator ?? createTestAuthenticator(),
    tracing: noTracing,
    routes: options.routes,
    ...options.server,
  };
  const server = await createHttpServer(all);
  return {
    options: all,
    app: server.app,
    endDownloads: server.endDownloads,
    request: createRequester(server.app),
    close: () => server.app.close(),
  };
}

/** Injects requests into an app and compares every answer with the app's own API document. */
export function createRequester(app: HttpApp): TestApp['request'] {
  let check: ReturnType<typeof createResponseCheck> | undefined;
  return async ({ method = 'GET', url, body, raw, as, headers = {}, query }) => {
    const injected = await app.inject({
      method,
      url,
      headers: {
        ...(raw === undefined ? {} : { 'content-type': 'application/json' }),
        ...(as === undefined ? {} : bearer(as)),
        ...headers,
      },
      ...(query === undefined ? {} : { query: toStrings(query) }),
      ...(raw === undefined ? {} : { payload: raw }),
      ...(body === undefined ? {} : { payload: body as object }),
    });
    const response: TestResponse = {
      status: injected.statusCode,
      headers: injected.headers as Record<string, string | undefined>,
      text: injected.body,
      json: () => JSON.parse(injected.body),
    };
    check ??= createResponseCheck(await app.apiDocument());
    check({ method, url }, response);
    return response;
  };
}

/** `Authorization` for a principal of the test authenticator, or for a real token. */
function bearer(as: Principal | string): { authorization: string } {
  return { authorization: `Bearer ${typeof as === 'string' ? as : `test:${as.role}:${as.userId}`}` };
}

/**
 * Believes every principal that `bearer()` writes, and every device `uid:secret` in `devices`.
 * For modules whose tests are not about tokens.
 */
export function createTestAuthenticator(
  devices: Readonly<Record<string, { readonly secret: string; readonly deviceId: number }>> = {},
): HttpAuthenticator {
  return {
    async bearer(token) {
      const [scheme, role, userId] = token.split(':');
      if (scheme !== 'test' || role === undefined) throw commonErrors.authentication_required();
      return { role: role as UserRole, userId: Number(userId) };
    },
    async device(deviceUid, secret) {
      const device = devices[deviceUid];
      if (device === undefined || device.secret !== secret) throw commonErrors.authentication_required();
      return { deviceUid, deviceId: device.deviceId };
    },
  };
}

/** People as in `createTestAuthenticator`, and devices with the secrets that they were given. */
export function createDeviceAuthenticator(devices: Pick<DevicesApi, 'authenticate'>): HttpAuthenticator {
  return {
    ...createTestAuthenticator(),
    async device(deviceUid, secret) {
      const device = await devices.authenticate(deviceUid, secret);
      if (device === null) throw commonErrors.authentication_required();
      return device;
    },
  };
}

/** One principal of each role, for tables of route × role. Ids are 101 (SUPERADMIN) to 104 (USER). */
export const PRINCIPALS: Readonly<Record<UserRole, Principal>> = {
  SUPERADMIN: { userId: 101, role: 'SUPERADMIN' },
  ADMIN: { userId: 102, role: 'ADMIN' },
  MANAGER: { userId: 103, role: 'MANAGER' },
  USER: { userId: 104, role: 'USER' },
};

function toStrings(query: Readonly<Record<string, string | number | boolean>>): Record<string, string> {
  return Object.fromEntries(Object.entries(query).map(([key, value]) => [key, String(value)]));
}
