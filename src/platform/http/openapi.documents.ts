import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import swagger from '@fastify/swagger';
import Fastify, { type FastifySchema, type HTTPMethods } from 'fastify';
import { Problem } from './http.schemas.ts';
import { type ApiDocumentOptions, finishDocument, type ProblemExample } from './openapi.document.ts';
import type { JsonObject } from './openapi.schemas.ts';
import { registerSwaggerUi } from './swagger-ui.ts';

/** Of a route of the server: what its operation in the document is made of. */
export interface DocumentedRoute {
  readonly method: HTTPMethods | HTTPMethods[];
  readonly url: string;
  readonly schema: FastifySchema;
}

interface Page {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer;
}

export interface ApiDocuments {
  document(): JsonObject;
  /** A page or file of Swagger UI. @param url path and query, below `/docs` */
  page(url: string, headers: IncomingHttpHeaders): Promise<Page>;
}

/** What the connection says of itself, and what the server says of every answer. */
const NOT_PASSED_ON: ReadonlySet<string> = new Set(['connection', 'date', 'transfer-encoding']);

/** The document of these routes, and Swagger UI: on an app of their own that listens nowhere. */
export async function createApiDocuments(
  routes: readonly DocumentedRoute[],
  problems: ReadonlyMap<string, ProblemExample>,
  { version, publicUrl, basePath, description }: ApiDocumentOptions,
): Promise<ApiDocuments> {
  const app = Fastify({ exposeHeadRoutes: false, routerOptions: { ignoreTrailingSlash: true } });
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => JSON.stringify);
  app.addSchema(Problem);
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
  for (const { method, url, schema } of routes) {
    if ((schema as { hide?: boolean }).hide !== true) app.route({ method, url, schema, handler: () => {} });
  }
  await registerSwaggerUi(app, basePath);
  await app.ready();

  return {
    document: () => app.swagger() as unknown as JsonObject,
    async page(url, headers) {
      const answer = await app.inject({ method: 'GET', url, headers });
      const passedOn = Object.entries(answer.headers).filter(([name]) => !NOT_PASSED_ON.has(name));
      return { status: answer.statusCode, headers: Object.fromEntries(passedOn), body: answer.rawPayload };
    },
  };
}
