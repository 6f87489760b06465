import type { FastifyContextConfig, FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { defined } from '#kernel/defined.ts';
import {
  type AppError,
  commonErrors,
  type ErrorKind,
  type ErrorOptions,
  type FieldError,
  isAppError,
} from '#kernel/errors.ts';
import type { Logger } from '#kernel/logger.ts';
import { type Finding, inWords } from '#kernel/validation-messages.ts';
import type { Problem } from './http.schemas.ts';
import { bodyTooLarge } from './request-body.ts';

const STATUS_BY_KIND: Readonly<Record<ErrorKind, number>> = {
  invalid: 422,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  limited: 429,
  unavailable: 503,
};

/** Codes whose status is more specific than that of their kind. */
const STATUS_BY_CODE: Readonly<Record<string, number>> = {
  malformed_json: 400,
  malformed_request: 400,
  method_not_allowed: 405,
  request_timeout: 408,
  precondition_failed: 412,
  range_not_satisfiable: 416,
  body_too_large: 413,
  unsupported_media_type: 415,
  unsupported_content_encoding: 415,
  headers_too_large: 431,
  internal_error: 500,
};

export const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  416: 'Range Not Satisfiable',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

/** Sends whatever was thrown as RFC 9457 problem details. A bug is logged whole and shown as a bare 500. */
export function createErrorHandler(logger: Logger) {
  return (thrown: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    const error = toAppError(thrown, request);
    if (error.code === 'internal_error') {
      logger.error({ err: thrown, request_id: request.id }, 'unexpected error');
    }
    sendProblem(error, request, reply);
  };
}

/** The HTTP status that an error is answered with. */
export function statusOf({ kind, code }: Pick<AppError, 'kind' | 'code'>): number {
  return STATUS_BY_CODE[code] ?? STATUS_BY_KIND[kind];
}

/** The body of an answer that is an error. */
export function problemOf(error: AppError, requestId: string): Problem {
  const status = statusOf(error);
  return {
    type: `urn:core-api:problem:${error.code}`,
    title: TITLES[status] ?? 'Error',
    status,
    detail: error.message,
    code: error.code,
    request_id: requestId,
    ...defined({ ticket: error.details.ticket }),
    ...(error.details.fields === undefined ? {} : { errors: error.details.fields.slice(0, MOST_ERRORS) }),
  };
}

function sendProblem(error: AppError, request: FastifyRequest, reply: FastifyReply): void {
  const problem = problemOf(error, request.id);
  if (error.details.retryAfterSeconds !== undefined) {
    reply.header('retry-after', String(Math.ceil(error.details.retryAfterSeconds)));
  }
  if (problem.status === 401) reply.header('www-authenticate', challengeOf(request.routeOptions.config));
  if (error.code === 'unsupported_media_type') reply.header('accept', request.server.contentTypes.join(', '));
  reply.code(problem.status).type('application/problem+json').serializer(JSON.stringify).send(problem);
}

function challengeOf({ access, operations }: FastifyContextConfig): string {
  // A browser asks its user for a password only when it is told so.
  if (operations === true) return 'Basic realm="operations"';
  return access === 'device' ? 'Basic realm="devices"' : 'Bearer';
}

/** Status of an error of the framework → what it is here. A 4xx is the client's fault, however it came about. */
const ERROR_BY_STATUS: Readonly<Record<number, (options: ErrorOptions) => AppError>> = {
  404: commonErrors.not_found,
  405: commonErrors.method_not_allowed,
  408: commonErrors.request_timeout,
  413: commonErrors.body_too_large,
  414: commonErrors.headers_too_large,
  415: commonErrors.unsupported_media_type,
  431: commonErrors.headers_too_large,
};

function toAppError(thrown: unknown, request: FastifyRequest): AppError {
  if (isAppError(thrown)) return thrown;
  const error = thrown as Partial<FastifyError>;
  if (Array.isArray(error.validation)) {
    return commonErrors.invalid_input({
      details: { fields: toFieldErrors(error.validation as readonly AjvError[], error.validationContext) },
    });
  }
  const cause = thrown;
  switch (error.code) {
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
      return commonErrors.malformed_json({ cause });
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return bodyTooLarge(request.routeOptions.bodyLimit);
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return commonErrors.unsupported_media_type({
        detail: `The Content-Type has to be ${request.server.contentTypes.join(' or ')}.`,
        cause,
      });
  }
  const { statusCode = 500 } = error;
  if (statusCode < 400 || statusCode > 499) return commonErrors.internal_error({ cause });
  return (ERROR_BY_STATUS[statusCode] ?? commonErrors.malformed_request)({ cause });
}

interface AjvError extends Finding {
  readonly instancePath?: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

/** So many mistakes are told at once; somebody who makes more has to begin somewhere. */
const MOST_ERRORS = 20;

/** One entry a path: the first says it best. */
export function toFieldErrors(errors: readonly AjvError[], context: string | undefined): FieldError[] {
  const byPath = new Map<string, FieldError>();
  for (const error of errors) {
    const field = toFieldError(error, context);
    if (!byPath.has(field.path)) byPath.set(field.path, field);
    if (byPath.size === MOST_ERRORS) break;
  }
  return [...byPath.values()];
}

function toFieldError(error: AjvError, context: string | undefined): FieldError {
  const params = error.params ?? {};
  const named = params['missingProperty'] ?? params['additionalProperty'];
  const path = `${error.instancePath ?? ''}${named === undefined ? '' : `/${String(named)}`}`;
  const part = context === 'querystring' ? 'query' : context;
  const where = part === undefined || part === 'body' ? '' : `/${part}`;
  return { path: `${where}${path}` || '/', message: inWords(error) };
}
