import {
  buildAuthorizationUrl,
  type Configuration,
  calculatePKCECodeChallenge,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
} from 'openid-client';
import { oauthErrors } from '../oauth.errors.ts';
import type { Identity, SignInStart } from '../oauth.port.ts';

/** Seconds for one request to a provider: a person is waiting. */
export const TIMEOUT_SECONDS = 8;

/** Whether `url` is of this machine: the only place where a provider may be reached without TLS. */
export function isLoopback(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === 'http:' && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}

export async function startCodeFlow(
  config: Configuration,
  { redirectUri, scopes, withNonce }: { redirectUri: string; scopes: readonly string[]; withNonce: boolean },
): Promise<SignInStart> {
  const flow = { state: randomState(), nonce: randomNonce(), codeVerifier: randomPKCECodeVerifier() };
  const url = buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    state: flow.state,
    code_challenge: await calculatePKCECodeChallenge(flow.codeVerifier),
    code_challenge_method: 'S256',
    ...(scopes.length === 0 ? {} : { scope: scopes.join(' ') }),
    ...(withNonce ? { nonce: flow.nonce } : {}),
  });
  return { url: url.href, flow };
}

const MAX_UID = 255;

/** @returns `identity`, if whoever it is can be told apart from others. @throws AppError `oauth_provider_unavailable` */
export function usable(identity: Identity | null): Identity {
  if (identity === null || identity.providerUid === '' || identity.providerUid.length > MAX_UID) {
    throw oauthErrors.oauth_provider_unavailable();
  }
  return identity;
}
