import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { RouteOptions } from 'fastify';
import type { AccessRule, HttpApp } from './http.port.ts';
import { TITLES } from './problem.ts';

const problem = (status: number) => ({
  description: `${TITLES[status] ?? 'Problem'}: problem details (RFC 9457)`,
  content: { 'application/problem+json': { schema: { $ref: 'Problem#' } } },
});

/**
 * OpenAPI 3.1 from the routes' own schemas at `/openapi.json`, Swagger UI at `/docs`.
 * Adds to each operation what follows from its access rule, its address and its method: security and problems.
 */
export async function registerApiDocument(app: HttpApp, { version }: { readonly version: string }): Promise<void> {
  app.addHook('onRoute', (route) => addCommonResponses(route));
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'core-api', version, description: 'IoT backend where an acknowledgement means stored.' },
      components: {
        securitySchemes: {
          bearer: {
            type: 'http',
            scheme: 'bearer',
            bearerFormat: 'JWT',
            description: 'Access token of POST /api/v1/auth/login',
          },
          device: { type: 'http', scheme: 'basic', description: 'device_uid and its secret' },
        },
      },
    },
    refResolver: {
      buildLocalReference: (json, _base, _fragment, i) =>
        typeof json['$id'] === 'string' ? json['$id'] : `schema-${i}`,
    },
  });
  await app.register(swaggerUi, { routePrefix: '/docs' });
  app.get('/openapi.json', { config: { access: 'public', rateLimitExempt: true }, schema: { hide: true } }, async () =>
    app.swagger(),
  );
}

/** Swagger UI registers its own routes: they are public and not limited. Runs before the access check. */
export function markDocumentRoutes(route: RouteOptions): void {
  if (route.url.startsWith('/docs')) route.config = { ...route.config, access: 'public', rateLimitExempt: true };
}

function addCommonResponses(route: RouteOptions): void {
  const schema = route.schema;
  const rule = route.config?.access;
  if (schema === undefined || schema.hide === true || rule === undefined) return;
  const statuses = [
    ...statusesOf(rule),
    ...(/:\w+_id\b/.test(route.url) ? [404] : []),
    ...([route.method].flat().some((method) => /^(POST|PUT|PATCH)$/.test(method)) ? [413, 415] : []),
    ...(route.config?.problems ?? []),
    ...[400, 422, 429, 500, 503],
  ];
  const responses = { ...(schema.response as Record<string, unknown> | undefined) };
  for (const status of statuses) responses[status] ??= problem(status);
  schema.response = responses;
  if (rule !== 'public') schema.security ??= [rule === 'device' ? { device: [] } : { bearer: [] }];
}

function statusesOf(rule: AccessRule): number[] {
  if (rule === 'public') return [];
  return typeof rule === 'string' ? [401] : [401, 403];
}
