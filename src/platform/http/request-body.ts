import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest, preParsingHookHandler, RouteOptions } from 'fastify';
import { acceptJson, type JsonFlaw } from '#kernel/accept-json.ts';
import { addressBlock } from '#kernel/addresses.ts';
import { commonErrors } from '#kernel/errors.ts';
import { createTurns } from '#kernel/turns.ts';
import { decoderOf, decodingError, ENCODINGS } from './body-decoding.ts';
import { createHeldBodies } from './held-bodies.ts';
import { type HttpLimits, senderOf } from './http.limits.ts';
import type { HttpApp } from './http.port.ts';

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
  app.decorate('takesJsonAs', function takesJsonAs(this: HttpApp, type: string) {
    this.addContentTypeParser(type, { parseAs: 'buffer' }, readJson);
  });
  app.takesJsonAs('application/json');

  function readJson(request: FastifyRequest, body: Buffer, done: (error: Error | null, value?: unknown) => void) {
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
  }
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
    /** From now on, routes of this scope take JSON under this content type, too. */
    takesJsonAs(type: string): void;
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
  const held = createHeldBodies(limits);
  const { decodings } = limits;
  const turns = {
    anyone: createTurns(decodings.anyone),
    people: createTurns(decodings.people),
    device: createTurns(decodings.device),
  };

  return (request, reply, payload, done) => {
    const { headers, raw } = request;
    if (!hasBody(request)) return done(null, payload);
    const decode = decoderOf(headers['content-encoding']);
    if (decode === null) {
      reply.header('accept-encoding', ENCODINGS);
      return done(refuse(reply, commonErrors.unsupported_content_encoding()));
    }
    const limit = request.routeOptions.bodyLimit;
    if (Number(headers['content-length']) > limit) return done(refuse(reply, bodyTooLarge(limit)));
    if (request.routeOptions.config.streamsBody === true) {
      if (decode !== undefined) return done(refuse(reply, commonErrors.unsupported_content_encoding()));
      endWhenSilent(raw, reply);
      return done(null, payload);
    }

    let [bytes, isOver] = [0, false];
    const sender = senderOf(request.routeOptions.config.access);
    const timer = setTimeout(() => giveUp(commonErrors.request_timeout()), limits.bodyMs[sender]);
    /** The parser's part ends here too: it does not hand on what comes after an answer. */
    const giveUp = (error: Error) => {
      if (!isOver && !reply.sent) reply.send(refuse(reply, error));
    };
    const client = clientOf(request);
    const body = held.hold(client, () => giveUp(commonErrors.unavailable({ details: { retryAfterSeconds: 1 } })));
    const complete = () => {
      clearTimeout(timer);
      body.complete();
    };
    // Comes in every case: after the answer, and when the connection ends before.
    reply.raw.once('close', () => {
      isOver = true;
      body.release();
      clearTimeout(timer);
    });
    const count = (chunk: Buffer): boolean => {
      if (isOver || reply.sent) return false;
      bytes += chunk.length;
      if (bytes <= limit) body.add(chunk.length);
      return bytes <= limit;
    };
    if (decode === undefined) {
      // The parser counts as well, and refuses what is over the limit of the route: one answer is enough.
      payload.on('data', count);
      raw.once('end', complete);
      return done(null, payload);
    }

    // Decoded when all of it is here: whoever sends slowly, or half of it, costs no decoder and no window of one.
    const parts: Buffer[] = [];
    const decoded = new Readable({ read() {} });
    payload.on('data', (chunk: Buffer) => {
      if (count(chunk)) parts.push(chunk);
      else if (bytes > limit) giveUp(bodyTooLarge(limit));
    });
    raw.once('error', (error) => decoded.destroy(error));
    raw.once('end', async () => {
      try {
        const whole = await turns[sender](client, async () =>
          isOver || reply.sent ? null : await decode(Buffer.concat(parts.splice(0)), limit),
        );
        if (whole === null || isOver || reply.sent) return;
        body.add(whole.length - bytes);
        complete();
        decoded.push(whole);
        decoded.push(null);
      } catch (error) {
        decoded.destroy(decodingError(error, () => bodyTooLarge(limit)) as Error);
      }
    });
    // What follows reads a body without an encoding, of which nobody has said how long it is.
    delete headers['content-encoding'];
    delete headers['content-length'];
    return done(null, decoded);
  };
}

/** Between two parts of a body that is taken as it comes. */
const PART_MS = 60_000;

/** Ends a request whose body does not go on, and that has no answer yet. */
function endWhenSilent(raw: FastifyRequest['raw'], reply: FastifyReply): void {
  const { socket } = raw;
  let seen = socket.bytesRead;
  const timer = setInterval(() => {
    if (socket.bytesRead === seen) raw.destroy(new Error('the body does not go on'));
    seen = socket.bytesRead;
  }, PART_MS);
  const end = () => clearInterval(timer);
  raw.once('end', end);
  reply.raw.once('close', end);
}

/** Whose body it is: of a device, a user, or else an address. */
function clientOf({ device, principal, ip }: FastifyRequest): string {
  if (device !== null) return `device:${device.deviceId}`;
  return principal === null ? addressBlock(ip) : `user:${principal.userId}`;
}

export const bodyTooLarge = (limit: number) =>
  commonErrors.body_too_large({ detail: `A body may have ${limit} bytes here.` });

function hasBody({ method, headers }: FastifyRequest): boolean {
  if (method === 'GET' || method === 'HEAD') return false;
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** The rest of the body is not read: the connection cannot be used for another request. */
function refuse(reply: FastifyReply, error: Error): Error {
  reply.header('connection', 'close');
  return error;
}
