import { outranks, type Principal } from '#kernel/access.ts';
import type { Clock } from '#kernel/clock.ts';
import { commonErrors } from '#kernel/errors.ts';
import type { EventBus } from '#kernel/events.ts';
import { createSecret, hashSecret } from '#kernel/ids.ts';
import type { Page } from '#kernel/pagination.ts';
import { pageOfAll, type SmallListQuery } from '#kernel/small-lists.ts';
import { personalTokenErrors } from './personal-tokens.errors.ts';
import type {
  PersonalToken,
  PersonalTokenInput,
  PersonalTokenSortField,
  PersonalTokenStore,
} from './personal-tokens.ports.ts';

export interface PersonalTokensServiceDeps {
  readonly store: PersonalTokenStore;
  readonly clock: Clock;
  readonly events: EventBus;
}

export type PersonalTokensService = ReturnType<typeof createPersonalTokensService>;

/** By which such a token is known, also by programs that look for secrets where none should be. */
export const PERSONAL_TOKEN_PREFIX = 'core_pat_';
/** Of one user. */
export const MAX_PERSONAL_TOKENS = 50;
/** For so long an expired one is listed. */
const SHOWN_MS = 30 * 86_400_000;

const on = (userId: number) => ({ resourceType: 'user', resourceId: String(userId) });

export function createPersonalTokensService({ store, clock, events }: PersonalTokensServiceDeps) {
  return {
    /** The newest first, unless sorted otherwise. @throws AppError `invalid_sort` */
    list: async ({ userId }: Principal, query: SmallListQuery): Promise<Page<PersonalToken>> =>
      pageOfAll<PersonalToken, PersonalTokenSortField>(await store.tokens.list(userId), query, {
        fields: {
          created_at: ({ createdAt }) => createdAt,
          name: ({ name }) => name,
          role: ({ role }) => role,
          expires_at: ({ expiresAt }) => expiresAt,
          last_used_at: ({ lastUsedAt }) => lastUsedAt,
        },
        searched: ({ name }) => [name],
        fallback: [{ field: 'created_at', direction: 'desc' }],
      }),

    /**
     * @returns the record, and the token itself, which is nowhere else
     * @throws AppError `personal_token_role`, `personal_token_limit`, `invalid_input`
     */
    async create(
      actor: Principal,
      { name, role = actor.role, isReadOnly = false, expiresAt = null }: PersonalTokenInput,
    ): Promise<PersonalToken & { readonly token: string }> {
      const { userId } = actor;
      const createdAt = clock.now();
      if (outranks(role, actor.role)) throw personalTokenErrors.personal_token_role();
      if (expiresAt !== null && expiresAt <= createdAt) {
        const fields = [{ path: '/expires_at', message: 'must be in the future' }];
        throw commonErrors.invalid_input({ details: { fields } });
      }
      const token = `${PERSONAL_TOKEN_PREFIX}${createSecret()}`;
      const record = { userId, name, role, isReadOnly, expiresAt, createdAt };
      const id = await store.transaction(async ({ tokens, audit }) => {
        if ((await tokens.list(userId)).length >= MAX_PERSONAL_TOKENS) throw personalTokenErrors.personal_token_limit();
        const inserted = await tokens.insert({ ...record, tokenHash: hashSecret(token) });
        const details = { token_id: inserted, name, role, read_only: isReadOnly };
        await audit.record({ actor, ...on(userId), action: 'auth.personal_token_created', details });
        return inserted;
      });
      return { ...record, id, lastUsedAt: null, token };
    },

    /** It ends at once, in every process. @throws AppError `personal_token_not_found` */
    async revoke(actor: Principal, id: number): Promise<void> {
      const { userId } = actor;
      await store.transaction(async ({ tokens, credentials, audit }) => {
        const removed = await tokens.remove(userId, id);
        if (removed === null) throw personalTokenErrors.personal_token_not_found();
        await credentials.changed(userId);
        const details = { token_id: id, name: removed.name };
        await audit.record({ actor, ...on(userId), action: 'auth.personal_token_revoked', details });
      });
      events.emit('auth.access_ended', clock.now(), { user_id: userId });
    },

    /** @returns how many were removed */
    removeExpired: (): Promise<number> => store.tokens.removeExpired(clock.now() - SHOWN_MS),
  };
}
