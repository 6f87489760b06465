import type { Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib';
import type { FastifyReply, FastifyRequest, preParsingHookHandler, RouteOptions } from 'fastify';
import { acceptJson, type JsonFlaw } from '#kernel/accept-json.ts';
import { commonErrors } from '#kernel/errors.ts';
import { type HttpLimits, senderOf } from './http.limits.ts';
import type { HttpApp } from './http.port.ts';

/** Encoding of a body → what decodes it. https://www.rfc-editor.org/rfc/rfc9110#section-8.4.1 */
const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
};
const ENCODINGS = 'gzip, deflate, br, zstd';

/**
 * How bodies are read: decoded, within the limits of their route while they arrive, in the time that they have, and
 * together no more than the process can hold.
 */
export function readBodies(app: HttpApp, limits: HttpLimits): void {
  app.addHook('onRoute', (route: RouteOptions) => {
    route.bodyLimit ??= limits.bodyBytes[senderOf(route.config?.access)];
  });
  app.addHook('preParsing', createBodyReader(limits));

  rememberContentTypes(app);
  // Fastify takes text from everyone; a route that wants it says so. Its JSON parser knows no depth, and no UTF-8.
  app.removeContentTypeParser(['application/json', 'text/plain']);
  const parse = app.getDefaultJsonParser('error', 'error');
  const jsonLimits = { depth: limits.jsonDepth, values: limits.jsonValues };
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    const accepted = acceptJson(body, jsonLimits, (text) => {
      let [failure, value]: [Error | null, unknown] = [null, undefined];
      // Calls back before it returns.
      void parse(request, text, (error, parsed) => {
        [failure, value] = [error, parsed];
      });
      if (failure !== null) throw failure;
      return value;
    });
    if (accepted.flaw === null) return done(null, accepted.value);
    return done(refusalOf(accepted.flaw));
  });
}

function refusalOf({ what, path, message, cause }: JsonFlaw): Error {
  if (what === 'syntax') return cause as Error;
  if (what === 'utf8') return commonErrors.malformed_json({ detail: 'The body is not valid UTF-8.' });
  return commonErrors.invalid_input({ details: { fields: [{ path: path || '/', message }] } });
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Content types that routes of this scope take. */
    contentTypes: readonly string[];
  }
}

/** Fastify does not say for which types a scope has parsers. Scopes inherit the list by their prototype, as the parsers. */
function rememberContentTypes(app: HttpApp): void {
  app.decorate('contentTypes', []);
  const add = app.addContentTypeParser;
  app.addContentTypeParser = function remember(this: HttpApp, ...args: unknown[]) {
    const types = [args[0]].flat().filter((type) => typeof type === 'string' && type !== '*') as string[];
    this.contentTypes = [...new Set([...this.contentTypes, ...types])];
    return (add as (...given: unknown[]) => HttpApp).apply(this, args);
  } as typeof add;
}

function createBodyReader(limits: HttpLimits): preParsingHookHandler {
  let heldBytes = 0;

  return (request, reply, payload, done) => {
    const { headers, raw } = request;
    if (!hasBody(request)) return done(null, payload);
    const decoder = decoderOf(request);
    if (decoder === 'unknown') {
      reply.header('accept-encoding', ENCODINGS);
      return done(refuse(reply, commonErrors.unsupported_content_encoding()));
    }
    const limit = request.routeOptions.bodyLimit;
    if (Number(headers['content-length']) > limit) return done(refuse(reply, bodyTooLarge(limit)));

    let [bytes, isOver] = [0, false];
    const timer = setTimeout(
      () => giveUp(commonErrors.request_timeout()),
      limits.bodyMs[senderOf(request.routeOptions.config.access)],
    );
    /** The parser's part ends here too: it does not hand on what comes after an answer. */
    const giveUp = (error: Error) => {
      if (!isOver && !reply.sent) reply.send(refuse(reply, error));
    };
    raw.once('end', () => clearTimeout(timer));
    // Comes in every case: after the answer, and when the connection ends before.
    reply.raw.once('close', () => {
      isOver = true;
      heldBytes -= bytes;
      clearTimeout(timer);
      decoder?.destroy();
    });
    // The parser counts as well, and refuses what is over the limit of the route: one answer is enough.
    (decoder ?? payload).on('data', (chunk: Buffer) => {
      if (isOver) return;
      bytes += chunk.length;
      heldBytes += chunk.length;
      if (bytes <= limit && heldBytes > limits.heldBodyBytes)
        giveUp(commonErrors.unavailable({ details: { retryAfterSeconds: 1 } }));
    });
    if (decoder === undefined) return done(null, payload);

    // What follows reads a body without an encoding, of which nobody has said how long it is.
    delete headers['content-encoding'];
    delete headers['content-length'];
    raw.once('error', (error) => decoder.destroy(error));
    return done(null, raw.pipe(decoder));
  };
}

export const bodyTooLarge = (limit: number) =>
  commonErrors.body_too_large({ detail: `A body may have ${limit} bytes here.` });

function hasBody({ method, headers }: FastifyRequest): boolean {
  if (method === 'GET' || method === 'HEAD') return false;
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function decoderOf({ headers }: FastifyRequest): Transform | undefined | 'unknown' {
  const encoding = headers['content-encoding']?.trim().toLowerCase();
  if (encoding === undefined || encoding === '' || encoding === 'identity') return undefined;
  return Object.hasOwn(DECODERS, encoding) ? DECODERS[encoding]?.() : 'unknown';
}

/** The rest of the body is not read: the connection cannot be used for another request. */
function refuse(reply: FastifyReply, error: Error): Error {
  reply.header('connection', 'close');
  return error;
}
