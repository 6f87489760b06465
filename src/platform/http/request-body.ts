import { isUtf8 } from 'node:buffer';
import type { Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib';
import type { FastifyReply, FastifyRequest, preParsingHookHandler, RouteOptions } from 'fastify';
import { commonErrors } from '#kernel/errors.ts';
import { type Inexact, inexactIn, parseExactJson } from '#kernel/exact-json.ts';
import { hasMoreValuesThan, nestsDeeperThan } from '#kernel/json-depth.ts';
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
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    if (!isUtf8(body)) return done(commonErrors.malformed_json({ detail: 'The body is not valid UTF-8.' }));
    if (nestsDeeperThan(body, limits.jsonDepth)) {
      const fields = [{ path: '/', message: `must not be nested deeper than ${limits.jsonDepth} levels` }];
      return done(commonErrors.invalid_input({ details: { fields } }));
    }
    if (hasMoreValuesThan(body, limits.jsonValues)) {
      const fields = [{ path: '/', message: `must not have more than ${limits.jsonValues} values in all` }];
      return done(commonErrors.invalid_input({ details: { fields } }));
    }
    const text = body.toString();
    return void parse(request, text, (error, value) => done(error ?? inexactness(text), value));
  });
}

const INEXACT: Readonly<Record<Inexact, string>> = {
  unicode: 'must be Unicode; it holds half a surrogate pair',
  integer: 'must be sent as a string: a whole number beyond 2^53 would be rounded',
};

/** What no store keeps as it was sent. @param text valid JSON, within the depth that is allowed */
function inexactness(text: string): Error | null {
  // Bytes that are UTF-8 hold half a pair only as an escape.
  if (!/\\u[dD][89a-fA-F]|\d{16}/.test(text)) return null;
  const found = inexactIn(parseExactJson(text));
  if (found === null) return null;
  return commonErrors.invalid_input({
    details: { fields: [{ path: found.path || '/', message: INEXACT[found.what] }] },
  });
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
