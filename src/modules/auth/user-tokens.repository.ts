import { createSecret, hashSecret } from '#kernel/ids.ts';
import type { UserTokenStore } from '#modules/users/index.ts';
import { LINK_LIFETIME_MS } from './account/account.texts.ts';
import { createRefreshTokenRepository } from './auth.repository.ts';
import { createPersonalTokenRepository } from './personal-tokens/personal-tokens.repository.ts';
import { createSessionRepository } from './sessions/sessions.repository.ts';
import { createSingleUseTokenRepository } from './single-use/single-use.repository.ts';
import { createSecondFactorRepository } from './two-factor/two-factor.repository.ts';

/** The tokens of a user, for the module that says when they end. Needs nothing but the transaction of that change. */
export function createUserTokenStore(): UserTokenStore {
  return {
    on(transaction) {
      const refreshTokens = createRefreshTokenRepository(transaction);
      const sessions = createSessionRepository(transaction);
      const singleUse = createSingleUseTokenRepository({ db: () => transaction });
      return {
        async endSessions(userId, now) {
          await refreshTokens.revokeAllOf(userId, now);
          await sessions.endAllOf(userId, now);
          await singleUse.useAllOf(userId, 'sign_in', now);
          await singleUse.useAllOf(userId, 'second_factor', now);
        },
        endPersonalTokens: (userId) => createPersonalTokenRepository(transaction).removeAllOf(userId),
        removeSecondFactor: (userId) => createSecondFactorRepository(transaction).removeAllOf(userId),
        async voidLinks(userId, purposes, now) {
          for (const purpose of purposes) await singleUse.useAllOf(userId, purpose, now);
        },
        async issueLink(userId, purpose, now) {
          const token = createSecret();
          await singleUse.insert({
            userId,
            purpose,
            tokenHash: hashSecret(token),
            challenge: null,
            method: null,
            createdAt: now,
            expiresAt: now + LINK_LIFETIME_MS[purpose],
          });
          return token;
        },
        useLink: (linkId, now) => singleUse.use(linkId, now),
      };
    },
  };
}
