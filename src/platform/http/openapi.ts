import swagger from '@fastify/swagger';
import type { RouteOptions } from 'fastify';
import { type AppError, commonErrors } from '#kernel/errors.ts';
import type { AccessRule, HttpApp } from './http.port.ts';
import { finishDocument, type ProblemExample } from './openapi.document.ts';
import type { JsonObject } from './openapi.schemas.ts';
import { statusOf, TITLES } from './problem.ts';
import { createRedocRoutes } from './redoc.ts';
import { registerSwaggerUi } from './swagger-ui.ts';

/** The codes are in the description, for people and for the tests, which compare every answer with it. */
const problem = (status: number, codes: ReadonlySet<string>) => ({
  description: `${TITLES[status] ?? 'Problem'}: ${[...codes].map((code) => `\`${code}\``).join(', ')}`,
  content: { 'application/problem+json': { schema: { $ref: 'Problem#' } } },
});

export interface ApiDescription {
  /** Markdown, above the operations. */
  readonly text: string;
  /** Tag → what its operations are about. Those without an operation are left out. */
  readonly tags: Readonly<Record<string, string>>;
}

export interface ApiDocumentOptions {
  readonly version: string;
  /** Where browsers reach the server; null: wherever they have the document from. */
  readonly publicUrl: string | null;
  /** Of `publicUrl`, see `PublicAddress`. */
  readonly basePath: string;
  readonly description?: ApiDescription;
}

/**
 * OpenAPI 3.1 from the routes' own schemas at `/openapi.json`, Swagger UI at `/docs`, ReDoc at `/redoc`.
 * Adds to each operation what follows from its access rule, its address and its method: security and problems.
 */
export async function registerApiDocument(
  app: HttpApp,
  { version, publicUrl, basePath, description = { text: 'core-api', tags: {} } }: ApiDocumentOptions,
): Promise<void> {
  const problems = new Map<string, ProblemExample>();
  app.addHook('onRoute', (route) => addCommonResponses(route, problems));
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'core-api',
        version,
        description: description.text,
        license: { name: 'MIT', identifier: 'MIT' },
      },
      tags: Object.entries(description.tags).map(([name, text]) => ({ name, description: text })),
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
    convertConstToEnum: false,
    transformObject: (document) =>
      finishDocument(('openapiObject' in document ? document.openapiObject : {}) as JsonObject, {
        publicUrl,
        problems,
      }),
    refResolver: {
      buildLocalReference: (json, _base, _fragment, i) =>
        typeof json['$id'] === 'string' ? json['$id'] : `schema-${i}`,
    },
  });
  await registerSwaggerUi(app, basePath);
  await createRedocRoutes(basePath)(app);
  const config = { access: 'public', rateLimitExempt: true, operations: true } as const;
  app.get('/openapi.json', { config, schema: { hide: true } }, async () => app.swagger());
}

/** Swagger UI registers its own routes: they are public and not limited. Runs before the access check. */
export function markDocumentRoutes(route: RouteOptions): void {
  if (route.url.startsWith('/docs')) {
    route.config = { ...route.config, access: 'public', rateLimitExempt: true, operations: true };
  }
}

function addCommonResponses(route: RouteOptions, problems: Map<string, ProblemExample>): void {
  const schema = route.schema;
  const rule = route.config?.access;
  if (schema === undefined || schema.hide === true || rule === undefined) return;
  const codes = new Map<number, Set<string>>();
  for (const factory of [...commonProblems(route, rule), ...(route.config?.problems ?? [])]) {
    const error = factory();
    const status = statusOf(error);
    codes.set(status, (codes.get(status) ?? new Set()).add(error.code));
    problems.set(error.code, { status, title: TITLES[status] ?? 'Error', code: error.code, detail: error.message });
  }
  const responses = { ...(schema.response as Record<string, unknown> | undefined) };
  for (const [status, each] of codes) responses[status] ??= problem(status, each);
  schema.response = responses;
  if (rule !== 'public') schema.security ??= [rule === 'device' ? { device: [] } : { bearer: [] }];
}

/** What follows from a route's access rule, its method and what it can be asked for. */
function commonProblems({ method, schema }: RouteOptions, rule: AccessRule): readonly (() => AppError)[] {
  const query = (schema?.querystring as { readonly properties?: object } | undefined)?.properties ?? {};
  return [
    ...(rule === 'public' ? [] : [commonErrors.authentication_required]),
    ...(typeof rule === 'string' ? [] : [commonErrors.forbidden]),
    ...([method].flat().some((each) => /^(POST|PUT|PATCH)$/.test(each))
      ? [
          commonErrors.body_too_large,
          commonErrors.unsupported_media_type,
          commonErrors.unsupported_content_encoding,
          commonErrors.request_timeout,
        ]
      : []),
    ...('sort' in query ? [commonErrors.invalid_sort] : []),
    ...('cursor' in query ? [commonErrors.invalid_cursor] : []),
    commonErrors.malformed_json,
    commonErrors.malformed_request,
    commonErrors.invalid_input,
    commonErrors.rate_limited,
    commonErrors.internal_error,
    commonErrors.unavailable,
  ];
}
