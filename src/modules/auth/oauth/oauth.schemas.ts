import { type Static, Type } from 'typebox';
import { toIso } from '#kernel/clock.ts';
import {
  Id,
  Instant,
  Nullable,
  PageOf,
  pageQuery,
  Strict,
  searchQuery,
  sortQuery,
} from '#platform/http/http.schemas.ts';
import { OAUTH_ACCOUNT_SORT_FIELDS, type OwnOAuthAccount } from './oauth.ports.ts';

export const ProviderList = Strict('OauthProviders', {
  items: Type.Array(
    Strict('OauthProvider', {
      provider: Type.String({ description: 'Name of the provider in addresses', examples: ['google'] }),
      label: Type.String({ description: 'Name of the provider for people', examples: ['Google'] }),
      url: Type.String({
        description: 'Where a link or button sends the browser to sign in',
        examples: ['https://iot.example.com/api/v1/auth/oauth/google'],
      }),
    }),
    { description: 'In the order of the settings' },
  ),
});

export const ProviderParams = Strict({
  provider: Type.String({ minLength: 1, maxLength: 64, description: 'Name of the provider', examples: ['google'] }),
});

export const BeginQuery = Strict({
  return_to: Type.Optional(
    Type.Literal('console', {
      description: 'The console takes over afterwards, in place of OAUTH_SUCCESS_URL',
      examples: ['console'],
    }),
  ),
  code_challenge: Type.Optional(
    Type.String({
      pattern: '^[A-Za-z0-9_-]{43}$',
      'x-accepts': '43 letters, digits, `_` and `-`: a SHA-256 in base64url',
      description:
        'For OAUTH_SUCCESS_URL: SHA-256, base64url, of a `code_verifier` that the page keeps and sends with the code',
      examples: ['E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'],
    }),
  ),
});

export const RedeemBody = Strict('OauthCode', {
  code: Type.String({
    minLength: 1,
    maxLength: 128,
    description: 'The `code` that OAUTH_SUCCESS_URL was opened with; good once, for one minute',
    examples: ['pYbY3ZqE0dXnBf0m1mYkq3v0Jb1x2xkq8rj0w2yYxkE'],
  }),
  code_verifier: Type.Optional(
    Type.String({
      minLength: 43,
      maxLength: 128,
      pattern: '^[A-Za-z0-9._~-]+$',
      'x-accepts': '43 to 128 letters, digits, `.`, `_`, `~` and `-`',
      description: 'What `code_challenge` was made of; needed if, and only if, there was one (RFC 7636)',
      examples: ['dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'],
    }),
  ),
});

const OAuthAccountView = Strict('OauthAccount', {
  id: Id,
  provider: Type.String({ description: 'Name of the provider in addresses', examples: ['google'] }),
  email: Nullable(
    Type.String({ description: 'As the provider said at the latest sign-in', examples: ['kim@example.com'] }),
  ),
  created_at: Instant,
});

export const OAuthAccountPage = PageOf(OAuthAccountView);

export const OAuthAccountListQuery = Strict({ ...pageQuery, ...sortQuery(OAUTH_ACCOUNT_SORT_FIELDS), ...searchQuery });

export const OAuthAccountParams = Strict({ account_id: Id });

export function presentAccount({ createdAt, ...account }: OwnOAuthAccount): Static<typeof OAuthAccountView> {
  return { ...account, created_at: toIso(createdAt) };
}
