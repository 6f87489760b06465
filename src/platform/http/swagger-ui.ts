import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';

/** Swagger UI sets styles on elements; everything else is in files of its own. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** A device that sends. */
const LOGO = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
<rect width="32" height="32" rx="7" fill="#0f5c6e"/>
<circle cx="16" cy="21" r="4" fill="#fff"/>
<path d="M9.5 15.5a9.2 9.2 0 0 1 13 0M5.5 11a15 15 0 0 1 21 0" fill="none" stroke="#fff" stroke-width="2.6" stroke-linecap="round"/>
</svg>`;

const STYLE = `.swagger-ui .info .title::before {
  content: '';
  display: inline-block;
  width: 1.2em;
  height: 1.2em;
  margin-right: 0.35em;
  vertical-align: -0.25em;
  background: url('data:image/svg+xml;base64,${Buffer.from(LOGO).toString('base64')}') center / contain no-repeat;
}
`;

/** Swagger UI at `/docs`, under our name and without the bar of its makers; a login is kept over a reload. */
export async function registerSwaggerUi(app: FastifyInstance, basePath: string): Promise<void> {
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    // What a proxy in front has as its path.
    indexPrefix: basePath,
    staticCSP: POLICY,
    uiConfig: { layout: 'BaseLayout', persistAuthorization: true, docExpansion: 'list' },
    theme: {
      title: 'core-api',
      css: [{ filename: 'core-api.css', content: STYLE }],
      favicon: [{ filename: 'core-api.svg', rel: 'icon', type: 'image/svg+xml', sizes: 'any', content: LOGO }],
    },
  });
}
