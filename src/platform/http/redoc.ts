import { readFile } from 'node:fs/promises';
import type { HttpRoutes } from './http.port.ts';

/** What it is and how to renew it: vendor/redoc/README.md */
const VERSION = '2.5.4';
const BUNDLE = new URL('../../../vendor/redoc/redoc.standalone.js', import.meta.url);

/** The bundle styles with `style` elements, shows pictures of its own as data, and searches in a worker. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  'worker-src blob:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The bundle finds the element by its name. */
const page = (basePath: string) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>core-api</title>
<link rel="icon" href="data:,">
<style>body { margin: 0 }</style>
</head>
<body>
<redoc spec-url="${basePath}/openapi.json"></redoc>
<script src="${basePath}/redoc/redoc.standalone.js"></script>
</body>
</html>
`;

/** It shows the logo of its makers, from their server; from here nothing is asked of another one. */
async function bundle(): Promise<string> {
  const text = await readFile(BUNDLE, 'utf8');
  return text.replaceAll(/"https:\/\/cdn\.redoc\.ly\/[^"]*"/g, '"data:,"');
}

const config = { access: 'public', rateLimitExempt: true, operations: true } as const;
const schema = { hide: true } as const;

/** ReDoc at `/redoc`: the API document for reading, from this server alone. */
export function createRedocRoutes(basePath: string): HttpRoutes {
  return (app) => {
    app.get('/redoc', { config, schema }, async (_request, reply) =>
      reply.type('text/html; charset=utf-8').header('content-security-policy', POLICY).send(page(basePath)),
    );

    app.get('/redoc/redoc.standalone.js', { config, schema }, async (request, reply) => {
      const etag = `"redoc-${VERSION}-without-logo"`;
      reply.headers({ etag, 'cache-control': 'public, max-age=3600' });
      if (request.headers['if-none-match'] === etag) return reply.code(304).send();
      return reply.type('text/javascript; charset=utf-8').send(await bundle());
    });
  };
}
