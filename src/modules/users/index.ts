export { type AttemptLimit, type Attempts, createAttempts } from './attempts.ts';
export type { EmailAndPassword, NewUser, UsedLink, UsersApi } from './users.api.ts';
export { userErrors } from './users.errors.ts';
export type { AccessChangeReason } from './users.events.ts';
export { createUsersModule, type UsersModule, type UsersModuleDeps, usersMigrations } from './users.module.ts';
export type {
  AccountMails,
  Contact,
  ContactQuery,
  LinkPurpose,
  User,
  UserAccess,
  UserCredentialMarks,
  UserTokenStore,
  UserTokens,
} from './users.ports.ts';
export { EMAIL_PATTERN, PASSWORD_LENGTH } from './users.rules.ts';
