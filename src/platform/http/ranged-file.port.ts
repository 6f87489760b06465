import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import parseRange from 'range-parser';
import { commonErrors } from '#kernel/errors.ts';
import { isNamed } from './etags.port.ts';

/** A file that can be read in parts. */
export interface RangedFile {
  /** Bytes. */
  readonly size: number;
  /** Of its content, with quotation marks. */
  readonly etag: string;
  readonly type: string;
  /** Both ends inclusive. */
  read(range?: { readonly start: number; readonly end: number }): AsyncIterable<Uint8Array>;
}

/**
 * Answers a file, or the part of it that `Range` asks for, so that a download can go on days later: 200, 206, 304 or 416
 * (https://www.rfc-editor.org/rfc/rfc9110#section-14). Of several ranges, as of one that is not understood, all of it.
 * @throws AppError `range_not_satisfiable`
 */
export function sendFile(
  request: Pick<FastifyRequest, 'headers'>,
  reply: FastifyReply,
  { size, etag, type, read }: RangedFile,
): FastifyReply {
  const { range, 'if-range': ifRange, 'if-none-match': ifNoneMatch } = request.headers;
  reply.headers({ etag, 'accept-ranges': 'bytes' });
  if (isNamed(etag, ifNoneMatch)) return reply.code(304).send();
  // A part of another file would spoil what the client has: then it gets the whole of this one.
  const ranges = range === undefined || (ifRange !== undefined && ifRange !== etag) ? -2 : parseRange(size, range);
  if (ranges === -1) {
    reply.header('content-range', `bytes */${size}`);
    throw commonErrors.range_not_satisfiable();
  }
  const [part, ...others] = ranges === -2 || ranges.type !== 'bytes' ? [] : ranges;
  reply.type(type);
  if (part === undefined || others.length > 0) {
    return reply.header('content-length', size).send(Readable.from(read(), { objectMode: false }));
  }
  return reply
    .code(206)
    .headers({
      'content-range': `bytes ${part.start}-${part.end}/${size}`,
      'content-length': part.end - part.start + 1,
    })
    .send(Readable.from(read(part), { objectMode: false }));
}
