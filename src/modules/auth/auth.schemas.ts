import { type Static, Type } from 'typebox';
import { EMAIL_PATTERN, PASSWORD_LENGTH } from '#modules/users/index.ts';
import { Strict } from '#platform/http/http.schemas.ts';
import type { TokenPair } from './auth.ports.ts';

export const Email = Type.String({
  maxLength: 254,
  pattern: EMAIL_PATTERN,
  'x-accepts': 'an e-mail address such as kim@example.com',
  description: 'E-mail address; trimmed and lower-cased',
  examples: ['kim@example.com'],
});

export const NewPassword = Type.String({ ...PASSWORD_LENGTH, description: 'Password', examples: ['correct horse'] });

const text = (maxLength: number, description: string, example: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength, description, examples: [example] }));

export const FullName = text(200, 'Name', 'Kim Minji');

/** For pages in browsers. */
export const CookieHeaders = Type.Object({
  'x-refresh-cookie': Type.Optional(
    // Not a literal: makers of clients do not know a constant as a parameter.
    Type.Unsafe<'1'>({
      type: 'string',
      enum: ['1'],
      description:
        'The refresh token is to be, or is, in a cookie that no script can read, and not in a body: for pages in browsers',
      examples: ['1'],
    }),
  ),
});

export const RegisterBody = Strict('Registration', {
  email: Email,
  password: NewPassword,
  full_name: FullName,
  phone: text(32, 'Phone number', '+82 10-1234-5678'),
  organization: text(200, 'Organisation', 'Hanbit Farm'),
});

export const LoginBody = Strict('Login', {
  email: Email,
  password: Type.String({ minLength: 1, maxLength: 128, description: 'Password', examples: ['correct horse'] }),
});

export const RefreshBody = Strict('RefreshRequest', {
  refresh_token: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 512,
      description: 'The newest refresh token of this sign-in; left out when it is in the cookie',
      examples: ['pYbY3ZqE0dXnBf0m1mYkq3v0Jb1x2xkq8rj0w2yYxkE'],
    }),
  ),
});

export const Tokens = Strict('Tokens', {
  access_token: Type.String({
    description: 'JWT for `Authorization: Bearer`, verifiable with the keys at /.well-known/jwks.json',
    examples: ['eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCIsImtpZCI6Ii4uLiJ9.eyJzdWIiOiI3Iiwicm9sZSI6IlVTRVIifQ.c2ln'],
  }),
  refresh_token: Type.Optional(
    Type.String({
      description:
        'Exchange it at POST /api/v1/auth/refresh; good for one exchange. Left out only where `X-Refresh-Cookie` asked for it in a cookie',
      examples: ['pYbY3ZqE0dXnBf0m1mYkq3v0Jb1x2xkq8rj0w2yYxkE'],
    }),
  ),
  token_type: Type.Literal('bearer', { description: 'RFC 6750' }),
  expires_in: Type.Integer({ description: 'Seconds until the access token expires', examples: [1800] }),
});

export const JwksView = Strict('PublicKeys', {
  keys: Type.Array(
    Strict('PublicKey', {
      kty: Type.Literal('OKP', { description: 'Key type (RFC 8037)' }),
      crv: Type.Literal('Ed25519', { description: 'Curve' }),
      x: Type.String({
        description: 'Public key, base64url',
        examples: ['11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo'],
      }),
      kid: Type.String({ description: 'Id of the key: its RFC 7638 thumbprint', examples: ['kPrK_qmxVWaYVA9wwBF6'] }),
      use: Type.Literal('sig', { description: 'For signatures' }),
      alg: Type.Literal('EdDSA', { description: 'Algorithm' }),
    }),
    { description: 'Public keys; `kid` in the header of a token says which one' },
  ),
});

export function presentTokens({ accessToken, refreshToken, expiresIn }: TokenPair): Static<typeof Tokens> {
  return { access_token: accessToken, refresh_token: refreshToken, token_type: 'bearer', expires_in: expiresIn };
}
