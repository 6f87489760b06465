/**
 * The one error type that leaves a service. Seven closed kinds; each edge (HTTP, MQTT, Socket.IO)
 * maps the kind, and only the kind, to its own protocol. Anything else that is thrown is a bug.
 */
export type ErrorKind =
  | 'invalid'
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found'
  | 'conflict'
  | 'limited'
  | 'unavailable';

/** One entry of an `invalid` error: where (JSON pointer such as `/metrics/0`) and what is accepted. */
export interface FieldError {
  readonly path: string;
  readonly message: string;
}

export interface ErrorDetails {
  /** For `invalid`: the offending fields. */
  readonly fields?: readonly FieldError[];
  /** For `limited` and `unavailable`: seconds until it is worth trying again. */
  readonly retryAfterSeconds?: number;
  /** What to go on with, for an error that asks for one step more. */
  readonly ticket?: string;
}

export interface ErrorOptions {
  readonly detail?: string;
  readonly details?: ErrorDetails;
  readonly cause?: unknown;
}

export class AppError extends Error {
  readonly kind: ErrorKind;
  /** Stable, snake_case, part of the public contract. */
  readonly code: string;
  readonly details: ErrorDetails;

  constructor(kind: ErrorKind, code: string, message: string, options: ErrorOptions = {}) {
    super(options.detail ?? message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.kind = kind;
    this.code = code;
    this.details = options.details ?? {};
  }
}

type Catalogue = Readonly<Record<string, readonly [kind: ErrorKind, message: string]>>;

export type ErrorFactories<C extends Catalogue> = {
  readonly [Code in keyof C]: (options?: ErrorOptions) => AppError;
};

/**
 * Declares the errors of one module as data and returns one factory a code:
 * `throw deviceErrors.device_not_found()`. Codes are unique across the system (checked by a test).
 */
export function defineErrors<const C extends Catalogue>(catalogue: C): ErrorFactories<C> {
  const factories: Record<string, (options?: ErrorOptions) => AppError> = {};
  for (const [code, [kind, message]] of Object.entries(catalogue)) {
    factories[code] = (options) => new AppError(kind, code, message, options);
  }
  return factories as ErrorFactories<C>;
}

export function isAppError(error: unknown): error is AppError {
  return error instanceof AppError;
}

/** Errors that belong to no module. */
export const commonErrors = defineErrors({
  invalid_input: ['invalid', 'The input is not valid.'],
  malformed_json: ['invalid', 'The body is not valid JSON.'],
  malformed_request: ['invalid', 'The request is malformed or incomplete.'],
  body_too_large: ['invalid', 'The body is larger than the limit.'],
  unsupported_media_type: ['invalid', 'This content type is not accepted here.'],
  unsupported_content_encoding: ['invalid', 'A body may be encoded with one of gzip, deflate, br and zstd.'],
  headers_too_large: ['invalid', 'The head of the request is larger than 16 KiB.'],
  method_not_allowed: ['not_found', 'This address does not take this method.'],
  invalid_cursor: ['invalid', 'The cursor is not one that this list returned.'],
  invalid_sort: ['invalid', 'The list cannot be sorted by this field.'],
  authentication_required: ['unauthenticated', 'A valid bearer token is required.'],
  forbidden: ['forbidden', 'Your role does not allow this.'],
  token_read_only: ['forbidden', 'This personal access token may only read.'],
  session_required: ['forbidden', 'A personal access token may not do this: sign in.'],
  not_found: ['not_found', 'There is nothing at this address.'],
  range_not_satisfiable: ['invalid', 'The file has no such part; Content-Range says how long it is.'],
  precondition_failed: ['conflict', 'What is stored is not what If-Match names.'],
  rate_limited: ['limited', 'Too many requests.'],
  unavailable: ['unavailable', 'A part of the system that is needed for this is away.'],
  request_timeout: ['unavailable', 'The request did not arrive in time.'],
  internal_error: ['unavailable', 'Something went wrong on our side.'],
});
