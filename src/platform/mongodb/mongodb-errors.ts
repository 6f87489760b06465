import {
  MongoBulkWriteError,
  MongoClientClosedError,
  MongoError,
  MongoNetworkError,
  MongoNotConnectedError,
  MongoServerError,
  MongoServerSelectionError,
  MongoTopologyClosedError,
  MongoWriteConcernError,
} from 'mongodb';
import { defined } from '#kernel/defined.ts';
import { type AppError, commonErrors } from '#kernel/errors.ts';

/** https://www.mongodb.com/docs/manual/reference/error-codes/ */
const DUPLICATE_KEY = 11000;
const AUTHENTICATION_FAILED = 18;
const UNAUTHORIZED = 13;

/**
 * The server cannot now: host unreachable or not found, user or rights not there yet, lock or time limit, write
 * concern not met, network, shut down, no primary, conflict, snapshot or memory or disk exhausted.
 */
const UNABLE: ReadonlySet<unknown> = new Set([
  6, 7, 11, 13, 18, 24, 43, 50, 63, 64, 79, 89, 91, 100, 112, 133, 146, 150, 175, 189, 202, 234, 262, 290, 358, 384,
  391, 9001, 10003, 10058, 10107, 11600, 11601, 11602, 13388, 13435, 13436, 14031,
]);
const RETRYABLE = ['RetryableWriteError', 'TransientTransactionError', 'ResetPool', 'SystemOverloadedError'];

/** Nothing is wrong with the command; the same again may succeed. It may also have taken effect. */
export function isAway(error: unknown): boolean {
  if (!(error instanceof MongoError)) return isOfTheNetwork(error);
  // A bulk write dresses whatever happened to it as an answer of the server.
  if (error instanceof MongoBulkWriteError && isAway(error.errorResponse)) return true;
  return (
    error instanceof MongoNetworkError ||
    error instanceof MongoServerSelectionError ||
    error instanceof MongoNotConnectedError ||
    error instanceof MongoTopologyClosedError ||
    error instanceof MongoClientClosedError ||
    error instanceof MongoWriteConcernError ||
    RETRYABLE.some((label) => error.hasErrorLabel(label)) ||
    (error instanceof MongoBulkWriteError && error.result.getWriteConcernError() !== undefined) ||
    UNABLE.has(error.code) ||
    // Of the pool; these classes are not exported.
    /^Mongo(PoolClosed|WaitQueueTimeout)Error$/.test(error.name)
  );
}

/** A command that is written to a connection in the moment in which it breaks is told so by the system, in its words. */
function isOfTheNetwork(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code = '', syscall } = error as NodeJS.ErrnoException;
  // `EPIPE` comes without a call of the system when the other side has ended the connection.
  return syscall !== undefined || /^(EPIPE$|ERR_(STREAM|SOCKET|TLS|SSL)_)/.test(code) || isOfTheNetwork(error.cause);
}

/**
 * Of a bulk write that failed for nothing but duplicate keys: the indexes of those operations, ascending.
 * @throws the error when it says anything else
 */
export function duplicatesOf(error: unknown): readonly number[] {
  if (!(error instanceof MongoBulkWriteError) || error.result.getWriteConcernError() !== undefined) throw error;
  const errors = Array.isArray(error.writeErrors) ? error.writeErrors : [error.writeErrors];
  const indexes: number[] = [];
  for (const { code, index } of errors) {
    if (code !== DUPLICATE_KEY) throw error;
    indexes.push(index);
  }
  if (indexes.length === 0) throw error;
  return indexes.sort((a, b) => a - b);
}

export const storeAway = (cause?: unknown): AppError =>
  commonErrors.unavailable({
    detail: 'The store is away.',
    details: { retryAfterSeconds: 1 },
    ...defined({ cause }),
  });

/** One line for whoever starts the program. */
export function cannotStart(server: string, error: unknown): AppError {
  return commonErrors.unavailable({ detail: `${server} ${reasonOf(error)}.`, cause: error });
}

function reasonOf(error: unknown): string {
  for (let each = error, depth = 0; each instanceof Error && depth < 5; each = each.cause, depth += 1) {
    const { code } = each as { readonly code?: unknown };
    if (each instanceof MongoServerError && code === AUTHENTICATION_FAILED) return 'refuses the user or its password';
    if (each instanceof MongoServerError && code === UNAUTHORIZED) return 'does not let the user use the database';
    if (typeof code === 'string') return `cannot be reached (${code})`;
  }
  return 'cannot be reached';
}
