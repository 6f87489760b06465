export { type AttemptLimit, type Attempts, createAttempts } from './attempts.ts';
export { PASSWORD_LENGTH } from './password-rules.ts';
export type { EmailAndPassword, NewUser, UsedLink, UsersApi } from './users.api.ts';
export { userErrors } from './users.errors.ts';
export type { AccessChangeReason } from './users.events.ts';
export { createUsersModule, type UsersModule, type UsersModuleDeps, usersMigrations } from './users.module.ts';
export type {
  Contact,
  ContactQuery,
  LinkPurpose,
  User,
  UserAccess,
  UserTokenStore,
  UserTokens,
} from './users.ports.ts';
export { EMAIL_PATTERN } from './users.service.ts';
