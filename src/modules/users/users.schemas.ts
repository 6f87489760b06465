import { type Static, Type } from 'typebox';
import { USER_ROLES, type UserRole } from '#kernel/access.ts';
import { toIso, toIsoOrNull } from '#kernel/clock.ts';
import { rename, renameBack } from '#kernel/fields.ts';
import {
  Id,
  Instant,
  Nullable,
  PageOf,
  pageQuery,
  SeveralOf,
  Strict,
  searchQuery,
  sortQuery,
} from '#platform/http/http.schemas.ts';
import { PROFILE_NAMES, USER_NAMES } from './users.fields.ts';
import {
  type PasswordReset,
  PERSON_SORT_FIELDS,
  USER_SORT_FIELDS,
  type User,
  type UserChanges,
  type UserProfile,
} from './users.ports.ts';
import { EMAIL_PATTERN, PASSWORD_LENGTH } from './users.rules.ts';

const Role = Type.Unsafe<UserRole>({
  title: 'UserRole',
  type: 'string',
  enum: [...USER_ROLES],
  description: 'Decides what the user may do',
  examples: ['USER'],
});

const Email = Type.String({
  maxLength: 254,
  pattern: EMAIL_PATTERN,
  'x-accepts': 'an e-mail address such as kim@example.com',
  description: 'E-mail address; trimmed and lower-cased',
  examples: ['kim@example.com'],
});

const Password = (description: string) => Type.String({ ...PASSWORD_LENGTH, description, examples: ['correct horse'] });

const profile = {
  full_name: Type.Optional(
    Nullable(Type.String({ minLength: 1, maxLength: 200, description: 'Name', examples: ['Kim Minji'] })),
  ),
  phone: Type.Optional(
    Nullable(Type.String({ minLength: 1, maxLength: 32, description: 'Phone number', examples: ['+82 10-1234-5678'] })),
  ),
  organization: Type.Optional(
    Nullable(Type.String({ minLength: 1, maxLength: 200, description: 'Organisation', examples: ['Hanbit Farm'] })),
  ),
  avatar_url: Type.Optional(
    Nullable(
      Type.String({
        format: 'uri',
        pattern: '^https?://',
        'x-accepts': 'an address that begins with https:// or http://',
        maxLength: 2048,
        description: 'Address of a picture (http or https)',
        examples: ['https://example.com/kim.png'],
      }),
    ),
  ),
};

const isActive = Type.Boolean({ description: 'An inactive user cannot sign in and has no access', examples: [true] });

export const UserView = Strict('User', {
  id: Id,
  email: Type.String({ description: 'E-mail address', examples: ['kim@example.com'] }),
  role: Role,
  is_active: isActive,
  is_verified: Type.Boolean({ description: 'Whether the e-mail address was proven', examples: [true] }),
  two_factor_enabled: Type.Boolean({ description: 'Whether signing in takes a code too', examples: [false] }),
  full_name: Nullable(Type.String({ description: 'Name', examples: ['Kim Minji'] })),
  phone: Nullable(Type.String({ description: 'Phone number', examples: ['+82 10-1234-5678'] })),
  organization: Nullable(Type.String({ description: 'Organisation', examples: ['Hanbit Farm'] })),
  avatar_url: Nullable(Type.String({ description: 'Address of a picture', examples: ['https://example.com/kim.png'] })),
  last_login_at: Nullable(Instant),
  created_at: Instant,
  updated_at: Instant,
});

export const UserPage = PageOf(UserView);

/** No more than it takes to tell people apart. */
export const PersonPage = PageOf(
  Strict('Person', {
    id: Id,
    email: UserView.properties.email,
    full_name: UserView.properties.full_name,
    role: Role,
    is_active: isActive,
  }),
);

export const ProfilePatch = Strict('ProfileChanges', profile);

export const NewUserBody = Strict('NewUser', {
  email: Email,
  password: Password('First password of the user'),
  role: Type.Optional(Type.Unsafe<UserRole>({ ...Role, default: 'USER' })),
  is_active: Type.Optional(isActive),
  ...profile,
});

export const UserPatch = Strict('UserChanges', {
  ...profile,
  role: Type.Optional(Role),
  is_active: Type.Optional(isActive),
  is_verified: Type.Optional(
    Type.Boolean({ description: 'Whether the e-mail address counts as proven', examples: [true] }),
  ),
  email: Type.Optional(Email),
});

export const PasswordResetView = Strict('PasswordResetLink', {
  mailed: Type.Boolean({ description: 'Whether the user was sent a mail with the link', examples: [false] }),
  link: Nullable(
    Type.String({
      description: 'The link to hand over, good once and for an hour; null: it was mailed',
      examples: ['https://iot.example.com/auth/reset-password#token=pYbY3ZqE0dXnBf0m1mYkq3v0Jb1x2xkq8rj0w2yYxkE'],
    }),
  ),
});

export const PasswordChange = Strict('PasswordChange', {
  current_password: Type.String({
    minLength: 1,
    maxLength: 128,
    description: 'The password until now',
    examples: ['correct horse'],
  }),
  new_password: Password('The password from now on'),
});

export const UserParams = Strict({ user_id: Id });

export const UserListQuery = Strict({
  ...pageQuery,
  ...sortQuery(USER_SORT_FIELDS),
  ...searchQuery,
  role: SeveralOf(Role),
  is_active: Type.Optional(isActive),
});

export const PersonListQuery = Strict({
  ...pageQuery,
  ...sortQuery(PERSON_SORT_FIELDS),
  ...searchQuery,
  id: SeveralOf(Id),
  role: SeveralOf(Role),
  is_active: Type.Optional(isActive),
});

export function presentPerson({
  id,
  email,
  fullName,
  role,
  isActive,
}: User): Static<typeof PersonPage>['items'][number] {
  return { id, email, full_name: fullName, role, is_active: isActive };
}

export function presentUser(user: User): Static<typeof UserView> {
  return {
    id: user.id,
    ...rename(user, USER_NAMES),
    two_factor_enabled: user.hasSecondFactor,
    last_login_at: toIsoOrNull(user.lastLoginAt),
    created_at: toIso(user.createdAt),
    updated_at: toIso(user.updatedAt),
  };
}

export function presentReset({ isMailed, link }: PasswordReset): Static<typeof PasswordResetView> {
  return { mailed: isMailed, link };
}

export function toProfile(body: Static<typeof ProfilePatch>): Partial<UserProfile> {
  return renameBack<UserProfile, typeof PROFILE_NAMES>(body, PROFILE_NAMES);
}

export function toChanges(body: Static<typeof UserPatch>): UserChanges {
  return renameBack<Required<UserChanges>, typeof USER_NAMES>(body, USER_NAMES);
}
