import {
  createUsersModule,
  type UsersModule,
  type UsersModuleDeps,
  type UserTokenStore,
} from '#modules/users/index.ts';
import { createMemoryCounters } from '#platform/cache/memory-counters.ts';

/** Where nobody issues tokens: none has to end. */
export const NO_TOKENS: UserTokenStore = {
  on: () => ({
    endSessions: async () => {},
    voidLinks: async () => {},
    useLink: async () => false,
    issueLink: async () => '',
    endPersonalTokens: async () => {},
    removeSecondFactor: async () => {},
  }),
};

/** The module users without the module auth. */
export function createTestUsers(deps: Omit<UsersModuleDeps, 'tokens' | 'counters' | 'mails'>): UsersModule {
  return createUsersModule({ ...deps, tokens: NO_TOKENS, counters: createMemoryCounters({ clock: deps.clock }) });
}
