import { hash } from 'node:crypto';
import type { FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import { isNamed } from './etags.port.ts';
import type { HttpApp } from './http.port.ts';

/** A list as it was answered. */
interface Answer {
  readonly text: string;
  /** Of the text, in quotation marks. */
  readonly tag: string;
}

declare module 'fastify' {
  interface FastifyReply {
    /** What a list route returned. */
    listed: object | null;
  }
}

/**
 * Every list answers an ETag, and 304 to who has that answer already: for clients that keep one themselves, as a screen
 * that asks again and again does. Weak: it is about what the list says, in whatever encoding it goes out.
 */
export function addListEtags(app: HttpApp): void {
  /** By what the route returned: one that hands out the same object again has it serialised once. */
  const answers = new WeakMap<object, Answer>();
  app.decorateReply('listed', null);
  app.addHook('onRoute', (route) => {
    if (route.method !== 'GET' || !isList(route.schema?.response)) return;
    addNotModified(route);
    route.preSerialization = [...[route.preSerialization ?? []].flat(), useAnswer];
    route.onSend = [...[route.onSend ?? []].flat(), answerWhatChanged];
  });

  function useAnswer(_request: FastifyRequest, reply: FastifyReply, payload: unknown, done: Done): void {
    if (typeof payload === 'object' && payload !== null) {
      reply.listed = payload;
      const known = answers.get(payload);
      if (known !== undefined) reply.serializer(() => known.text);
    }
    done(null, payload);
  }

  function answerWhatChanged(request: FastifyRequest, reply: FastifyReply, payload: unknown, done: Done): void {
    if (reply.statusCode !== 200 || typeof payload !== 'string') {
      done(null, payload);
      return;
    }
    const tag = tagOf(reply.listed, payload);
    reply.header('etag', `W/${tag}`);
    const isUnchanged = isNamed(tag, request.headers['if-none-match']);
    if (isUnchanged) reply.code(304).removeHeader('content-type').removeHeader('content-length');
    done(null, isUnchanged ? '' : payload);
  }

  function tagOf(listed: object | null, text: string): string {
    const known = listed === null ? undefined : answers.get(listed);
    if (known?.text === text) return known.tag;
    const tag = `"${hash('sha1', text, 'base64url')}"`;
    if (listed !== null) answers.set(listed, { text, tag });
    return tag;
  }
}

type Done = (error: null, payload?: unknown) => void;

function addNotModified(route: RouteOptions): void {
  const schema = route.schema as { response: Record<string, unknown> };
  schema.response = {
    ...schema.response,
    304: { type: 'null', description: 'As it was: the ETag of the answer before was in `If-None-Match`' },
  };
}

function isList(responses: unknown): boolean {
  const answer = (responses as { readonly 200?: { readonly properties?: object } } | undefined)?.[200];
  return answer?.properties !== undefined && 'items' in answer.properties;
}
