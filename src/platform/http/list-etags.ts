import { hash } from 'node:crypto';
import type { FastifyReply, FastifyRequest, RouteOptions } from 'fastify';

/**
 * Every list answers an ETag, and 304 to who has that answer already: for clients that keep one themselves, as a screen
 * that asks again and again does. Weak: it is about what the list says, in whatever encoding it goes out.
 */
export function addListEtag(route: RouteOptions): void {
  if (route.method !== 'GET' || !isList(route.schema?.response)) return;
  const schema = route.schema as { response: Record<string, unknown> };
  schema.response = {
    ...schema.response,
    304: { type: 'null', description: 'As it was: the ETag of the answer before was in `If-None-Match`' },
  };
  route.onSend = [...[route.onSend ?? []].flat(), answerWhatChanged];
}

function isList(responses: unknown): boolean {
  const answer = (responses as { readonly 200?: { readonly properties?: object } } | undefined)?.[200];
  return answer?.properties !== undefined && 'items' in answer.properties;
}

function answerWhatChanged(
  request: FastifyRequest,
  reply: FastifyReply,
  payload: unknown,
  done: (error: null, payload?: unknown) => void,
): void {
  if (reply.statusCode !== 200 || typeof payload !== 'string') {
    done(null, payload);
    return;
  }
  const tag = `"${hash('sha1', payload, 'base64url')}"`;
  reply.header('etag', `W/${tag}`);
  const known = isKnown(request.headers['if-none-match'], tag);
  if (known) reply.code(304).removeHeader('content-type').removeHeader('content-length');
  done(null, known ? '' : payload);
}

/** https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2: compared weakly. */
function isKnown(ifNoneMatch: string | undefined, tag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch
    .split(',')
    .map((each) => each.trim().replace(/^W\//, ''))
    .some((each) => each === tag || each === '*');
}
