import { type Static, Type } from 'typebox';
import { USER_ROLES, type UserRole } from '#kernel/access.ts';
import { toIso, toIsoOrNull } from '#kernel/clock.ts';
import { defined } from '#kernel/defined.ts';
import { instantOf } from '#kernel/instant.ts';
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
import { PERSONAL_TOKEN_SORT_FIELDS, type PersonalToken, type PersonalTokenInput } from './personal-tokens.ports.ts';

const Role = Type.Unsafe<UserRole>({
  title: 'UserRole',
  type: 'string',
  enum: [...USER_ROLES],
  description: 'Decides what the user may do',
  examples: ['USER'],
});

const fields = {
  id: Id,
  name: Type.String({ description: 'What it is for', examples: ['nightly export'] }),
  role: Role,
  read_only: Type.Boolean({ description: 'Whether it may only read', examples: [true] }),
  expires_at: Nullable(Instant),
  last_used_at: Nullable(Instant),
  created_at: Instant,
};

export const PersonalTokenView = Strict('PersonalToken', fields);

export const PersonalTokenPage = PageOf(PersonalTokenView);

export const PersonalTokenListQuery = Strict({
  ...pageQuery,
  ...sortQuery(PERSONAL_TOKEN_SORT_FIELDS),
  ...searchQuery,
});

export const NewPersonalTokenView = Strict('NewPersonalToken', {
  ...fields,
  token: Type.String({
    description: 'For `Authorization: Bearer`; shown only now',
    examples: ['core_pat_pYbY3ZqE0dXnBf0m1mYkq3v0Jb1x2xkq8rj0w2yYxkE'],
  }),
});

export const PersonalTokenBody = Strict('PersonalTokenRequest', {
  name: Type.String({ minLength: 1, maxLength: 100, description: 'What it is for', examples: ['nightly export'] }),
  role: Type.Optional(
    Type.Unsafe<UserRole>({
      ...Role,
      description: 'The most that it may do, at most your own role; default: your own',
    }),
  ),
  read_only: Type.Optional(Type.Boolean({ default: false, description: 'Whether it may only read', examples: [true] })),
  expires_at: Type.Optional(Nullable(Instant)),
});

export const PersonalTokenParams = Strict({ token_id: Id });

export function presentPersonalToken(token: PersonalToken): Static<typeof PersonalTokenView> {
  return {
    id: token.id,
    name: token.name,
    role: token.role,
    read_only: token.isReadOnly,
    expires_at: toIsoOrNull(token.expiresAt),
    last_used_at: toIsoOrNull(token.lastUsedAt),
    created_at: toIso(token.createdAt),
  };
}

export function toPersonalToken(body: Static<typeof PersonalTokenBody>): PersonalTokenInput {
  const { name, role, read_only: isReadOnly, expires_at: expiresAt = null } = body;
  return { name, ...defined({ role, isReadOnly }), expiresAt: expiresAt === null ? null : instantOf(expiresAt) };
}
