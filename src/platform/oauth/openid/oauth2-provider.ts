import { allowInsecureRequests, authorizationCodeGrant, Configuration, fetchProtectedResource } from 'openid-client';
import type { Logger } from '#kernel/logger.ts';
import type { IdentityProvider } from '../oauth.port.ts';
import type { OAuth2Preset } from '../presets.ts';
import { isLoopback, startCodeFlow, TIMEOUT_SECONDS, usable } from './code-flow.ts';
import { createFailures } from './failures.ts';

export interface OAuth2ProviderOptions {
  readonly name: string;
  readonly preset: OAuth2Preset;
  readonly clientId: string;
  readonly clientSecret: string | null;
  /** Default: those of the preset. */
  readonly scopes?: readonly string[];
  readonly label?: string;
  readonly logger: Logger;
}

/** A provider of plain OAuth 2: without ID token and nonce, so the answer of its API over TLS is what counts. */
export function createOAuth2Provider(options: OAuth2ProviderOptions): IdentityProvider {
  const { name, preset, clientId, clientSecret, scopes = preset.scopes } = options;
  const failure = createFailures(name, options.logger);
  const config = new Configuration(
    {
      issuer: preset.issuer,
      authorization_endpoint: preset.authorizationEndpoint,
      token_endpoint: preset.tokenEndpoint,
    },
    clientId,
    clientSecret ?? {},
  );
  config.timeout = TIMEOUT_SECONDS;
  if (isLoopback(preset.tokenEndpoint)) allowInsecureRequests(config);

  async function get(accessToken: string, path: string): Promise<unknown> {
    const headers = new Headers({ accept: 'application/json' });
    const response = await fetchProtectedResource(config, accessToken, new URL(path, preset.api), 'GET', null, headers);
    if (!response.ok) throw new Error(`${path} was answered with ${response.status}`);
    return await response.json();
  }

  return {
    name,
    label: options.label ?? preset.label,
    begin: (redirectUri) => startCodeFlow(config, { redirectUri, scopes, withNonce: false }),
    async complete(callback, { state, codeVerifier }) {
      try {
        const checks = { expectedState: state, pkceCodeVerifier: codeVerifier };
        const { access_token: accessToken } = await authorizationCodeGrant(config, callback, checks);
        return usable(await preset.identify((path) => get(accessToken, path)));
      } catch (error) {
        throw failure(error);
      }
    },
  };
}
