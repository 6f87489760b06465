export { oauthErrors } from './oauth.errors.ts';

/** Who somebody is, as an identity provider says. */
export interface Identity {
  /** Stable at this provider and never given to somebody else: `sub` of OpenID Connect. 255 characters at most. */
  readonly providerUid: string;
  /** Null: the provider gave none. */
  readonly email: string | null;
  /** Whether the provider vouches that this person reads what is sent to `email`. In doubt it is false. */
  readonly isEmailVerified: boolean;
  readonly fullName: string | null;
  readonly avatarUrl: string | null;
}

/** What one sign-in has to know when the browser comes back. Secret: only that browser may bring it. */
export interface SignInFlow {
  /** RFC 6749 section 10.12: the answer belongs to this browser. */
  readonly state: string;
  /** OpenID Connect Core section 3.1.2.1: the ID token belongs to this sign-in. Unused where there is none. */
  readonly nonce: string;
  /** RFC 7636: whoever redeems the code is who asked for it. */
  readonly codeVerifier: string;
}

/** Where the browser goes, and what is to be kept until it comes back. */
export interface SignInStart {
  readonly url: string;
  readonly flow: SignInFlow;
}

/**
 * One identity provider of the authorization code flow with PKCE (S256), state and, with OpenID Connect, nonce.
 * Its addresses come from the settings alone, never from a request. Errors carry no text of the provider.
 */
export interface IdentityProvider {
  /** In addresses: `google`. */
  readonly name: string;
  /** For people: `Google`. */
  readonly label: string;
  /** @throws AppError `oauth_provider_unavailable` */
  begin(redirectUri: string): Promise<SignInStart>;
  /**
   * @param callback the redirect URI with the query that the browser brought back
   * @throws AppError `oauth_denied` when the person said no; `oauth_refused` for an answer that belongs to another
   * sign-in, was used before or is not genuine; `oauth_provider_unavailable`
   */
  complete(callback: URL, flow: SignInFlow): Promise<Identity>;
}
