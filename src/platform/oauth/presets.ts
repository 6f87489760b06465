import type { Identity } from './oauth.port.ts';

/** Claims of an ID token or of the userinfo endpoint: whatever the provider says. */
export type Claims = Readonly<Record<string, unknown>>;

interface Common {
  readonly label: string;
  readonly scopes: readonly string[];
  /** Whether the provider gives every client a secret. */
  readonly needsSecret: boolean;
}

/** OpenID Connect: addresses come from the issuer's own metadata. */
export interface OpenIdPreset extends Common {
  readonly kind: 'openid';
  readonly issuer: string;
  /** Whether to believe the provider about the e-mail; default: `email_verified` is true. */
  readonly isEmailVerified?: (claims: Claims) => boolean;
}

/** Plain OAuth 2: who somebody is comes from an API of the provider. */
export interface OAuth2Preset extends Common {
  readonly kind: 'oauth2';
  readonly issuer: string;
  readonly authorizationEndpoint: string;
  readonly tokenEndpoint: string;
  readonly api: string;
  /** `get` answers the JSON at an address of `api`. Null: the answers are not of the shape that is expected. */
  readonly identify: (get: (path: string) => Promise<unknown>) => Promise<Identity | null>;
}

export type ProviderPreset = OpenIdPreset | OAuth2Preset;

/** What is known of providers that many use; an operator adds client id and secret. */
export const PROVIDER_PRESETS = {
  google: {
    kind: 'openid',
    label: 'Google',
    issuer: 'https://accounts.google.com',
    scopes: ['openid', 'email', 'profile'],
    needsSecret: true,
    isEmailVerified: isGoogleMailbox,
  },
  kakao: {
    kind: 'openid',
    label: 'Kakao',
    issuer: 'https://kauth.kakao.com',
    scopes: ['openid', 'account_email', 'profile_nickname'],
    needsSecret: false,
  },
  naver: {
    kind: 'oauth2',
    label: 'Naver',
    issuer: 'https://nid.naver.com',
    authorizationEndpoint: 'https://nid.naver.com/oauth2.0/authorize',
    tokenEndpoint: 'https://nid.naver.com/oauth2.0/token',
    api: 'https://openapi.naver.com',
    // What a client gets is chosen in Naver's own console.
    scopes: [],
    needsSecret: true,
    identify: identifyAtNaver,
  },
  github: {
    kind: 'oauth2',
    label: 'GitHub',
    issuer: 'https://github.com/login/oauth',
    authorizationEndpoint: 'https://github.com/login/oauth/authorize',
    tokenEndpoint: 'https://github.com/login/oauth/access_token',
    api: 'https://api.github.com',
    scopes: ['read:user', 'user:email'],
    needsSecret: true,
    identify: identifyAtGithub,
  },
} satisfies Readonly<Record<string, ProviderPreset>>;

/**
 * Google vouches for mailboxes of its own and of its Workspace customers (`hd`). An address elsewhere was verified
 * once, when the account was made, and may belong to somebody else by now.
 * https://developers.google.com/identity/gsi/web/guides/verify-google-id-token
 */
function isGoogleMailbox({ email, email_verified: verified, hd }: Claims): boolean {
  const isOwn = typeof email === 'string' && /@(gmail|googlemail)\.com$/i.test(email);
  return verified === true && (isOwn || (typeof hd === 'string' && hd !== ''));
}

/** https://developers.naver.com/docs/login/profile/profile.md; its e-mail is a contact that nobody vouches for. */
async function identifyAtNaver(get: (path: string) => Promise<unknown>): Promise<Identity | null> {
  const { response } = asRecord(await get('/v1/nid/me'));
  const { id, email, name, nickname, profile_image: picture } = asRecord(response);
  if (textOf(id) === null) return null;
  return {
    providerUid: String(id),
    email: textOf(email),
    isEmailVerified: false,
    fullName: textOf(name) ?? textOf(nickname),
    avatarUrl: textOf(picture),
  };
}

/** https://docs.github.com/rest/users: the id stays when the login name changes. The primary address counts. */
async function identifyAtGithub(get: (path: string) => Promise<unknown>): Promise<Identity | null> {
  const { id, login, name, avatar_url: picture } = asRecord(await get('/user'));
  if (typeof id !== 'number') return null;
  const emails = await get('/user/emails');
  const primary = asRecord(Array.isArray(emails) ? emails.find((each) => asRecord(each)['primary'] === true) : null);
  return {
    providerUid: String(id),
    email: textOf(primary['email']),
    isEmailVerified: primary['verified'] === true,
    fullName: textOf(name) ?? textOf(login),
    avatarUrl: textOf(picture),
  };
}

/** A text that says something. */
export function textOf(value: unknown): string | null {
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : null;
}

function asRecord(value: unknown): Claims {
  return typeof value === 'object' && value !== null ? (value as Claims) : {};
}
