import type { Principal } from '#kernel/access.ts';
import type { Page } from '#kernel/pagination.ts';
import { pageOfAll, type SmallListQuery } from '#kernel/small-lists.ts';
import { type UsersApi, userErrors } from '#modules/users/index.ts';
import { oauthSignInErrors } from './oauth.errors.ts';
import type { OAuthAccountSortField, OAuthAccountStore, OwnOAuthAccount } from './oauth.ports.ts';

export interface OAuthAccountsDeps {
  readonly users: Pick<UsersApi, 'findById'>;
  readonly store: OAuthAccountStore;
  /** Names of those that one can sign in with now. */
  readonly providers: ReadonlySet<string>;
}

export type OAuthAccountsService = ReturnType<typeof createOAuthAccountsService>;

/** With which accounts elsewhere somebody can sign in here. */
export function createOAuthAccountsService({ users, store, providers }: OAuthAccountsDeps) {
  return {
    /** In the order in which they were linked, unless sorted otherwise. @throws AppError `invalid_sort` */
    list: async ({ userId }: Principal, query: SmallListQuery): Promise<Page<OwnOAuthAccount>> =>
      pageOfAll<OwnOAuthAccount, OAuthAccountSortField>(await store.accounts.listOf(userId), query, {
        fields: {
          created_at: ({ createdAt }) => createdAt,
          provider: ({ provider }) => provider,
          email: ({ email }) => email,
        },
        searched: ({ provider, email }) => [provider, email],
        fallback: [{ field: 'created_at', direction: 'asc' }],
      }),

    /** @throws AppError `oauth_account_not_found`, `last_way_to_sign_in` */
    async remove(actor: Principal, id: number): Promise<void> {
      const { userId } = actor;
      const user = await users.findById(userId);
      if (user === null) throw userErrors.user_not_found();
      await store.transaction(async (accounts, audit) => {
        const all = await accounts.listOf(userId);
        const account = all.find((each) => each.id === id);
        if (account === undefined) throw oauthSignInErrors.oauth_account_not_found();
        const isAnother = all.some((each) => each.id !== id && providers.has(each.provider));
        if (!user.hasPassword && !isAnother) throw oauthSignInErrors.last_way_to_sign_in();
        await accounts.remove(id);
        await audit.record({
          actor,
          action: 'auth.oauth_account_unlinked',
          resourceType: 'user',
          resourceId: String(userId),
          details: { provider: account.provider, email: account.email },
        });
      });
    },
  };
}
