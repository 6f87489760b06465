export { type AccountMailsDeps, createAccountMails } from './account/administrator-mails.ts';
export type { AuthApi, Authenticator } from './auth.api.ts';
export type { RefreshTokenReused } from './auth.events.ts';
export {
  type AuthModule,
  type AuthModuleDeps,
  type AuthSettings,
  authMigrations,
  createAuthModule,
  createUserTokenStore,
} from './auth.module.ts';
