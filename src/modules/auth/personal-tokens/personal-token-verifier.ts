import { LRUCache } from 'lru-cache';
import type { Clock } from '#kernel/clock.ts';
import { hashSecret } from '#kernel/ids.ts';
import { grownTo } from '#kernel/lru.ts';
import type { PersonalToken, PersonalTokenRepository } from './personal-tokens.ports.ts';

export interface PersonalTokenVerifierDeps {
  readonly tokens: () => Pick<PersonalTokenRepository, 'findByHash' | 'noteUse'>;
  readonly clock: Clock;
}

const CACHED_TOKENS = 10_000;
const NOTED_EVERY_MS = 60_000;

interface Known {
  readonly token: PersonalToken;
  /** `UserAccess.credentialsVersion` from before it was read. */
  readonly version: number;
  notedAt: number;
}

/**
 * Which record a personal access token has. One that is known is known for as long as none of its user's ways in has
 * ended: that the authenticator asks in any case, so such a request costs no query more than one with an access token.
 */
export function createPersonalTokenVerifier({ tokens, clock }: PersonalTokenVerifierDeps) {
  const cache = new LRUCache<string, Known>(grownTo(CACHED_TOKENS));

  /** Nobody waits for it, and nothing depends on it. */
  function noteUse(known: Known): void {
    const now = clock.now();
    if (Math.abs(now - known.notedAt) < NOTED_EVERY_MS) return;
    known.notedAt = now;
    void tokens()
      .noteUse(known.token.id, now)
      .catch(() => {});
  }

  return {
    /**
     * @param versionOf the `credentialsVersion` of a user as of now; null: it has no access
     * @returns null for a token that does not count
     */
    async verify(
      presented: string,
      versionOf: (userId: number) => Promise<number | null>,
    ): Promise<PersonalToken | null> {
      const hash = hashSecret(presented);
      const userId = (cache.get(hash)?.token ?? (await tokens().findByHash(hash)))?.userId;
      const version = userId === undefined ? null : await versionOf(userId);
      if (version === null) return null;
      let known = cache.get(hash);
      if (known?.version !== version) {
        // Read after the version: what ends it later makes another version.
        const token = await tokens().findByHash(hash);
        if (token === null) {
          cache.delete(hash);
          return null;
        }
        known = { token, version, notedAt: known?.notedAt ?? token.lastUsedAt ?? 0 };
        cache.set(hash, known);
      }
      const { token } = known;
      if (token.expiresAt !== null && token.expiresAt <= clock.now()) return null;
      noteUse(known);
      return token;
    },
  };
}
