import type { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest, onSendHookHandler } from 'fastify';
import { commonErrors } from '#kernel/errors.ts';
import type { Logger } from '#kernel/logger.ts';

/** Answers that are streamed: what a slow, a greedy and a former user can hold by them. */
export interface Downloads {
  /** Fastify's hook. Fails with AppError `rate_limited` when the user has too many under way. */
  readonly onSend: onSendHookHandler;
  /** Cuts off what a user is receiving, e.g. when the account was deleted. Null: what any user is. */
  end(userId: number | null): void;
  /** Cuts off what a user is receiving and may not have any more, e.g. by a token that was revoked. */
  recheck(userId: number): void;
}

export interface DownloadsOptions {
  readonly logger: Logger;
  /** Asked when an answer begins. @throws AppError when who asked for it may not have it any more */
  readonly checkAgain: (request: FastifyRequest) => Promise<void>;
  /** A reader that takes nothing for this long is cut off. */
  readonly stalledAfterMs?: number;
}

interface Download {
  readonly end: () => void;
  readonly check: () => Promise<void>;
}

/** Of one user, in one process. */
const MOST_PER_USER = 3;
const STALLED_AFTER_MS = 60_000;
const LOOKS_PER_STALL = 4;

export function createDownloads({
  logger,
  checkAgain,
  stalledAfterMs = STALLED_AFTER_MS,
}: DownloadsOptions): Downloads {
  const underWay = new Map<number, Set<Download>>();

  function register(userId: number, download: Download): () => void {
    const downloads = underWay.get(userId) ?? new Set();
    underWay.set(userId, downloads.add(download));
    return () => {
      downloads.delete(download);
      if (downloads.size === 0 && underWay.get(userId) === downloads) underWay.delete(userId);
    };
  }

  async function begin(request: FastifyRequest, reply: FastifyReply, payload: Readable): Promise<Readable> {
    const userId = request.principal?.userId ?? null;
    const refuse = (error: unknown) => {
      payload.destroy();
      reply.removeHeader('content-disposition');
      return error;
    };
    if (userId !== null && (underWay.get(userId)?.size ?? 0) >= MOST_PER_USER) {
      throw refuse(
        commonErrors.rate_limited({
          detail: `You are receiving ${MOST_PER_USER} files already. Wait until one of them is complete.`,
          details: { retryAfterSeconds: 10 },
        }),
      );
    }
    const { raw } = reply;
    const end = () => raw.destroy();
    const forget = userId === null ? () => {} : register(userId, { end, check: () => checkAgain(request) });
    const stopWatching = watch(request, stalledAfterMs, () => {
      logger.info({ user_id: userId, request_id: request.id }, 'a download was cut off, its reader takes nothing');
      end();
    });
    raw.once('close', () => {
      forget();
      stopWatching();
      payload.destroy();
    });
    // Who lost access before this is not among those that were cut off then; who loses it from here on is.
    try {
      await checkAgain(request);
    } catch (error) {
      forget();
      stopWatching();
      throw refuse(error);
    }
    return payload;
  }

  return {
    onSend(request, reply, payload, done) {
      if (!isStream(payload)) return done(null, payload);
      begin(request, reply, payload).then(
        (begun) => done(null, begun),
        (error) => done(error),
      );
    },
    end(userId) {
      const ended = userId === null ? [...underWay.values()] : [underWay.get(userId) ?? []];
      for (const downloads of ended) for (const { end } of [...downloads]) end();
    },
    recheck(userId) {
      for (const { check, end } of [...(underWay.get(userId) ?? [])]) check().catch(end);
    },
  };
}

function isStream(payload: unknown): payload is Readable {
  return typeof (payload as Readable | null)?.pipe === 'function';
}

/** Calls `onStall` when something waits for the client, and the client has taken nothing of it for a while. */
function watch({ raw: { socket } }: FastifyRequest, stalledAfterMs: number, onStall: () => void): () => void {
  let taken = -1;
  let stalls = 0;
  const timer = setInterval(() => {
    const now = socket.bytesWritten - socket.writableLength;
    stalls = socket.writableLength > 0 && now === taken ? stalls + 1 : 0;
    taken = now;
    if (stalls >= LOOKS_PER_STALL) onStall();
  }, stalledAfterMs / LOOKS_PER_STALL).unref();
  return () => clearInterval(timer);
}
