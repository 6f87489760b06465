import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import files from '@fastify/static';
import type { FastifyReply } from 'fastify';
import type { HttpRoutes } from '../http/http.port.ts';

/** Nothing from another host, no script but files of ours, styles with the nonce of this answer. */
const policy = (nonce: string) =>
  [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data: blob:",
    "font-src 'self'",
    "connect-src 'self' ws: wss:",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "manifest-src 'self'",
  ].join('; ');

/** Shown while the console is being built, which takes seconds; it asks again by itself. */
const WAITING = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta http-equiv="refresh" content="2"><title>core-api</title></head>
<body><p>The console is being built. This page reloads by itself.</p><p>콘솔을 빌드하고 있습니다. 이 페이지는 저절로 새로고침됩니다.</p></body>
</html>
`;

const config = { access: 'public', rateLimitExempt: true } as const;
const schema = { hide: true } as const;
const YEAR_S = 31_536_000;
/** A page of the console has no such name: something is asked for that is not there. */
const FILE_NAME = /\.\w+$/;

/**
 * The web console at `/admin`, from the files that Vite has made: the page with a nonce of its own each time, everything
 * else by its hash, compressed beforehand and kept for a year.
 * @param folder where the build is; while there is none, the page says so (503)
 * @param basePath of the proxy in front; empty at the root of a host
 */
export function createConsoleRoutes({ folder, basePath }: { folder: string; basePath: string }): HttpRoutes {
  async function page(reply: FastifyReply): Promise<FastifyReply> {
    const nonce = randomBytes(16).toString('base64');
    const html = await readFile(join(folder, 'index.html'), 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
    reply.type('text/html; charset=utf-8').header('content-security-policy', policy(nonce));
    if (html === null) return reply.code(503).header('retry-after', '2').send(WAITING);
    return reply.send(
      html
        .replaceAll('__NONCE__', nonce)
        .replaceAll('"./', `"${basePath}/admin/`)
        .replace('name="core-api-base" content=""', `name="core-api-base" content="${basePath}"`),
    );
  }

  return async (app) => {
    await app.register(files, { root: folder, serve: false, preCompressed: true, index: false });

    const assets = join(folder, 'assets');
    app.get<{ Params: { '*': string } }>('/admin/assets/*', { config, schema }, (request, reply) =>
      reply.sendFile(request.params['*'], assets, { immutable: true, maxAge: YEAR_S * 1_000 }),
    );
    for (const name of ['favicon.svg', 'color-scheme.js']) {
      app.get(`/admin/${name}`, { config, schema }, (_request, reply) => reply.sendFile(name, { maxAge: 3_600_000 }));
    }
    // Which page it is, the console reads from the address.
    app.get('/admin', { config, schema }, (_request, reply) => page(reply));
    app.get<{ Params: { '*': string } }>('/admin/*', { config, schema }, (request, reply) =>
      FILE_NAME.test(request.params['*']) ? reply.callNotFound() : page(reply),
    );
  };
}
