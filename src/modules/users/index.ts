export type { EmailAndPassword, NewUser, UsersApi } from './users.api.ts';
export { userErrors } from './users.errors.ts';
export type { AccessChangeReason } from './users.events.ts';
export { createUsersModule, type UsersModule, usersMigrations } from './users.module.ts';
export type { Contact, ContactQuery, User, UserAccess } from './users.ports.ts';
export { EMAIL_PATTERN, PASSWORD_LENGTH } from './users.service.ts';
