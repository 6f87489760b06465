import {
  AuthorizationResponseError,
  ClientError,
  ResponseBodyError,
  WWWAuthenticateChallengeError,
} from 'openid-client';
import { type AppError, isAppError } from '#kernel/errors.ts';
import type { Logger } from '#kernel/logger.ts';
import { oauthErrors } from '../oauth.errors.ts';

/** Codes of `ClientError` that say: there was no proper answer. All others say: the answer is not the right one. */
const NO_ANSWER = [
  'OAUTH_TIMEOUT',
  'OAUTH_ABORT',
  'OAUTH_RESPONSE_IS_NOT_CONFORM',
  'OAUTH_RESPONSE_IS_NOT_JSON',
  'OAUTH_PARSE_ERROR',
  'OAUTH_HTTP_REQUEST_FORBIDDEN',
  'OAUTH_MISSING_SERVER_METADATA',
  'OAUTH_UNSUPPORTED_OPERATION',
];

/**
 * Failures of a provider in our terms. Its own words go to the log alone: they are the provider's, or come with the
 * browser, and may be anything.
 */
export function createFailures(provider: string, logger: Logger): (cause: unknown) => AppError {
  return (cause) => {
    if (isAppError(cause)) return cause;
    const failure = classify(cause);
    const error = oauthErrors[failure]({ cause });
    if (failure !== 'oauth_denied')
      logger.warn({ provider, code: error.code, reason: reasonOf(cause) }, 'oauth sign-in failed');
    return error;
  };
}

function classify(cause: unknown): keyof typeof oauthErrors {
  if (cause instanceof AuthorizationResponseError) {
    if (cause.error === 'access_denied') return 'oauth_denied';
    return /^(server_error|temporarily_unavailable)$/.test(cause.error)
      ? 'oauth_provider_unavailable'
      : 'oauth_refused';
  }
  // `invalid_client` and the like: the settings do not fit, which nobody who signs in can mend.
  if (cause instanceof ResponseBodyError) {
    return cause.error === 'invalid_grant' ? 'oauth_refused' : 'oauth_provider_unavailable';
  }
  if (cause instanceof ClientError && !NO_ANSWER.includes(String(cause.code))) return 'oauth_refused';
  return 'oauth_provider_unavailable';
}

function reasonOf(cause: unknown): string {
  const parts: string[] = [];
  let error = cause;
  for (; error instanceof Error; error = error.cause) {
    parts.push(error.message);
    if (error instanceof AuthorizationResponseError || error instanceof ResponseBodyError) parts.push(error.error);
    if (error instanceof WWWAuthenticateChallengeError) parts.push(`status ${error.status}`);
  }
  // A token response of status 200 that is an error all the same, as GitHub sends them.
  const { body } = (error ?? {}) as { readonly body?: { readonly error?: unknown } };
  if (typeof body?.error === 'string') parts.push(body.error);
  return parts.join(': ').slice(0, 300);
}
