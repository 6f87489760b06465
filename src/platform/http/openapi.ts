import type { RouteOptions } from 'fastify';
import { type AppError, commonErrors } from '#kernel/errors.ts';
import type { AccessRule, HttpApp } from './http.port.ts';
import type { ApiDocumentOptions, ProblemExample } from './openapi.document.ts';
import type { ApiDocuments, DocumentedRoute } from './openapi.documents.ts';
import type { JsonObject } from './openapi.schemas.ts';
import { statusOf, TITLES } from './problem.ts';
import { createRedocRoutes } from './redoc.ts';

/** The codes are in the description, for people and for the tests, which compare every answer with it. */
const problem = (status: number, codes: ReadonlySet<string>) => ({
  description: `${TITLES[status] ?? 'Problem'}: ${[...codes].map((code) => `\`${code}\``).join(', ')}`,
  content: { 'application/problem+json': { schema: { $ref: 'Problem#' } } },
});

declare module 'fastify' {
  interface FastifyInstance {
    /** OpenAPI 3.1 from the schemas of all routes. */
    apiDocument(): Promise<JsonObject>;
  }
}

const config = { access: 'public', rateLimitExempt: true, operations: true } as const;

/**
 * OpenAPI 3.1 from the routes' own schemas at `/openapi.json`, Swagger UI at `/docs`, ReDoc at `/redoc`.
 * Adds to each operation what follows from its access rule, its address and its method: security and problems.
 * What makes and shows the document is loaded when somebody first asks: a server that nobody asks needs none of it.
 */
export async function registerApiDocument(app: HttpApp, options: ApiDocumentOptions): Promise<void> {
  const problems = new Map<string, ProblemExample>();
  const routes: DocumentedRoute[] = [];
  app.addHook('onRoute', (route) => {
    addCommonResponses(route, problems);
    if (route.schema !== undefined && route.method !== 'HEAD') routes.push(route as DocumentedRoute);
  });
  let documents: Promise<ApiDocuments> | undefined;
  const load = () => {
    documents ??= import('./openapi.documents.ts').then(({ createApiDocuments }) =>
      createApiDocuments(routes, problems, options),
    );
    return documents;
  };

  app.decorate('apiDocument', async () => (await load()).document());
  app.get('/openapi.json', { config, schema: { hide: true } }, () => app.apiDocument());
  for (const url of ['/docs', '/docs/*']) {
    app.get(url, { config, schema: { hide: true } }, async (request, reply) => {
      const { status, headers, body } = await (await load()).page(request.raw.url ?? url, request.headers);
      if (status >= 400) throw commonErrors.not_found();
      return reply.code(status).headers(headers).send(body);
    });
  }
  await createRedocRoutes(options.basePath)(app);
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
function commonProblems({ method, schema, config }: RouteOptions, rule: AccessRule): readonly (() => AppError)[] {
  const query = (schema?.querystring as { readonly properties?: object } | undefined)?.properties ?? {};
  const changes = [method].flat().some((each) => /^(POST|PUT|PATCH|DELETE)$/.test(each));
  return [
    ...(rule === 'public' ? [] : [commonErrors.authentication_required]),
    ...(typeof rule === 'string' ? [] : [commonErrors.forbidden]),
    ...(rule === 'public' || rule === 'device' || !changes ? [] : [commonErrors.token_read_only]),
    ...(config?.sessionOnly === true ? [commonErrors.session_required] : []),
    ...([method].flat().some((each) => /^(POST|PUT|PATCH)$/.test(each)) || schema?.body !== undefined
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
