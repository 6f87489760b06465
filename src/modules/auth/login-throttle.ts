import { addressBlock } from '#kernel/addresses.ts';
import { createAttempts } from '#modules/users/index.ts';
import type { CounterStore } from '#platform/cache/cache.port.ts';
import { authErrors } from './auth.errors.ts';
import type { LoginThrottle } from './auth.ports.ts';

const MINUTE_MS = 60_000;

const OF_ACCOUNT_AND_NETWORK = { failures: 5, windowMs: 15 * MINUTE_MS, isForgotten: true } as const;
const OF_ACCOUNT = { failures: 20, windowMs: 60 * MINUTE_MS } as const;
const OF_NETWORK = { failures: 100, windowMs: 15 * MINUTE_MS } as const;

export interface LoginThrottleDeps {
  readonly counters: CounterStore;
  /** Whether somebody signed in to the account from this network, and not too long ago. */
  readonly isKnown: (account: string, network: string) => Promise<boolean>;
}

/**
 * Three limits. One for an account at an address, which a success forgets. Two wide ones, for an account from
 * everywhere and for an address at all accounts, which hold only where the account was never signed in to from that
 * address: so strangers with many addresses get few guesses, and lock nobody out who comes from where it came before.
 */
export function createLoginThrottle({ counters, isKnown }: LoginThrottleDeps): LoginThrottle {
  const attempts = createAttempts({
    counters,
    refusal: (retryAfterSeconds) => authErrors.too_many_logins({ details: { retryAfterSeconds } }),
  });

  return {
    attempt(account, address, check) {
      const network = addressBlock(address);
      const isExempt = () => isKnown(account, network);
      return attempts.attempt(
        [
          { key: `login:${account}|${network}`, ...OF_ACCOUNT_AND_NETWORK },
          { key: `login-network:${network}`, ...OF_NETWORK, isExempt },
          { key: `login-account:${account}`, ...OF_ACCOUNT, isExempt },
        ],
        check,
      );
    },
  };
}
