import {
  allowInsecureRequests,
  authorizationCodeGrant,
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretPost,
  type Configuration,
  discovery,
  enableNonRepudiationChecks,
  fetchUserInfo,
  None,
} from 'openid-client';
import type { Logger } from '#kernel/logger.ts';
import { oauthErrors } from '../oauth.errors.ts';
import type { Identity, IdentityProvider } from '../oauth.port.ts';
import { type Claims, textOf } from '../presets.ts';
import { isLoopback, startCodeFlow, TIMEOUT_SECONDS, usable } from './code-flow.ts';
import { createFailures } from './failures.ts';

export interface OpenIdProviderOptions {
  readonly name: string;
  readonly label: string;
  /** Its metadata are at `<issuer>/.well-known/openid-configuration`; read at the first sign-in. */
  readonly issuer: string;
  readonly clientId: string;
  /** Null: a public client, which PKCE alone protects. */
  readonly clientSecret: string | null;
  readonly scopes: readonly string[];
  readonly isEmailVerified?: (claims: Claims) => boolean;
  readonly logger: Logger;
}

/** An issuer of OpenID Connect. The ID token's signature is checked, although it comes over TLS. */
export function createOpenIdProvider(options: OpenIdProviderOptions): IdentityProvider {
  const { name, label, issuer, clientId, clientSecret, scopes } = options;
  const isEmailVerified = options.isEmailVerified ?? (({ email_verified: verified }) => verified === true);
  const failure = createFailures(name, options.logger);
  let known: Promise<Configuration> | undefined;

  function configuration(): Promise<Configuration> {
    if (known !== undefined) return known;
    const asked = discovery(new URL(issuer), clientId, undefined, clientAuthentication(clientSecret), {
      timeout: TIMEOUT_SECONDS,
      execute: [enableNonRepudiationChecks, ...(isLoopback(issuer) ? [allowInsecureRequests] : [])],
    });
    known = asked;
    // Asked again at the next sign-in.
    asked.catch(() => {
      known = undefined;
    });
    return asked;
  }

  return {
    name,
    label,
    async begin(redirectUri) {
      try {
        return await startCodeFlow(await configuration(), { redirectUri, scopes, withNonce: true });
      } catch (error) {
        // Nothing that a person does can make this fail.
        throw oauthErrors.oauth_provider_unavailable({ cause: failure(error) });
      }
    },
    async complete(callback, { state, nonce, codeVerifier }) {
      try {
        const config = await configuration();
        const tokens = await authorizationCodeGrant(config, callback, {
          expectedState: state,
          expectedNonce: nonce,
          pkceCodeVerifier: codeVerifier,
        });
        const idToken: Claims = tokens.claims() ?? {};
        const { userinfo_endpoint: userinfo } = config.serverMetadata();
        const more: Claims =
          saysAboutEmail(idToken) || userinfo === undefined
            ? {}
            : await fetchUserInfo(config, tokens.access_token, String(idToken['sub']));
        return usable(toIdentity(idToken, more, isEmailVerified));
      } catch (error) {
        throw failure(error);
      }
    },
  };
}

/** By what the issuer takes; it may not say, which means Basic (OpenID Connect Discovery section 3). */
function clientAuthentication(clientSecret: string | null): ClientAuth {
  if (clientSecret === null) return None();
  return (server, client, body, headers) => {
    const takesPost = server.token_endpoint_auth_methods_supported?.includes('client_secret_post') ?? false;
    const authenticate = takesPost ? ClientSecretPost(clientSecret) : ClientSecretBasic(clientSecret);
    return authenticate(server, client, body, headers);
  };
}

function saysAboutEmail(claims: Claims): boolean {
  return claims['email'] !== undefined && claims['email_verified'] !== undefined;
}

/** Whether an address is verified is taken from where the address is taken. */
function toIdentity(idToken: Claims, userinfo: Claims, isEmailVerified: (claims: Claims) => boolean): Identity {
  const claims: Claims = { ...userinfo, ...idToken };
  const source = saysAboutEmail(idToken) || userinfo['email'] === undefined ? idToken : userinfo;
  const email = textOf(source['email']);
  return {
    providerUid: String(claims['sub']),
    email,
    isEmailVerified: email !== null && isEmailVerified(source),
    fullName: textOf(claims['name']) ?? textOf(claims['nickname']),
    avatarUrl: textOf(claims['picture']),
  };
}
