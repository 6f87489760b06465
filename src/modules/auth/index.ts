export type { AuthApi, Authenticator } from './auth.api.ts';
export type {} from './auth.events.ts';
export { type AuthModule, type AuthSettings, authMigrations, createAuthModule } from './auth.module.ts';
