import type { Clock } from '#kernel/clock.ts';
import { createSecret, hashSecret } from '#kernel/ids.ts';
import type { SingleUseToken, SingleUseTokenRepository, TokenPurpose } from './single-use.ports.ts';

export interface SingleUseTokensDeps {
  readonly repository: SingleUseTokenRepository;
  readonly clock: Clock;
}

export interface IssueToken {
  readonly userId: number;
  readonly purpose: TokenPurpose;
  readonly lifetimeMs: number;
  readonly challenge?: string | null;
  readonly method?: string;
  /** As when it counts as issued; default: now. */
  readonly createdAt?: number;
}

export type SingleUseTokens = ReturnType<typeof createSingleUseTokens>;

/** Tokens of 256 random bits that are good once and for one purpose. Only their hash is stored. */
export function createSingleUseTokens({ repository, clock }: SingleUseTokensDeps) {
  return {
    /** @returns the token itself, which is nowhere else */
    async issue({ userId, purpose, lifetimeMs, ...more }: IssueToken): Promise<string> {
      const token = createSecret();
      const { createdAt = clock.now() } = more;
      await repository.insert({
        userId,
        purpose,
        challenge: more.challenge ?? null,
        method: more.method ?? null,
        createdAt,
        tokenHash: hashSecret(token),
        expiresAt: createdAt + lifetimeMs,
      });
      return token;
    },

    /** Whose it is. It is as good afterwards as before: whoever acts on it uses it up with what it does. */
    find: (token: string, purpose: TokenPurpose): Promise<SingleUseToken | null> =>
      repository.find(hashSecret(token), purpose, clock.now()),

    /** Uses it up. Null: it is of another purpose, was used, has expired, or never was. */
    async take(token: string, purpose: TokenPurpose): Promise<SingleUseToken | null> {
      const found = await repository.find(hashSecret(token), purpose, clock.now());
      return found !== null && (await repository.use(found.id, clock.now())) ? found : null;
    },

    /** @returns how many were removed */
    removeExpired: (): Promise<number> => repository.removeExpired(clock.now()),
  };
}
