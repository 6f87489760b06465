import {
  createUsersModule,
  type UsersModule,
  type UsersModuleDeps,
  type UserTokenStore,
} from '#modules/users/index.ts';

/** Where nobody issues tokens: none has to end. */
export const NO_TOKENS: UserTokenStore = {
  on: () => ({ endSessions: async () => {}, voidLinks: async () => {}, useLink: async () => false }),
};

/** The module users without the module auth. */
export function createTestUsers(deps: Omit<UsersModuleDeps, 'tokens'>): UsersModule {
  return createUsersModule({ ...deps, tokens: NO_TOKENS });
}
