import { addressBlock } from '#kernel/addresses.ts';
import type { AppError, ErrorOptions } from '#kernel/errors.ts';
import { type Attempts, createAttempts } from '#modules/users/index.ts';
import type { CounterStore } from '#platform/cache/cache.port.ts';
import { accountErrors } from './account/account.errors.ts';
import type { MailThrottle } from './account/account.ports.ts';
import { authErrors } from './auth.errors.ts';
import type { LoginThrottle, UsageLimits } from './auth.ports.ts';

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

/** What limits guesses at codes; by what they are counted, whoever attempts says. */
export function createCodeAttempts(counters: CounterStore, refusal: (options: ErrorOptions) => AppError): Attempts {
  return createAttempts({ counters, refusal: (retryAfterSeconds) => refusal({ details: { retryAfterSeconds } }) });
}

const WINDOW_MS = 3_600_000;
/** Within an hour. */
const LIMITS = { accountAndAddress: 5, account: 10, address: 20 } as const;

/**
 * At most 5 mails of a kind an hour for one account and address, 10 for one account from everywhere, 20 from one
 * address to everybody. Counted whether or not the account exists, so a refusal tells nothing. Whoever uses up what an
 * account may get locks nobody out: the mails that came are good.
 */
export function createMailThrottle({ counters }: { readonly counters: CounterStore }): MailThrottle {
  return {
    async count(kind, account, address) {
      const network = addressBlock(address);
      // The address first: once it is over its limit, it makes no more keys.
      const limits = [
        [`mail:${kind}:address:${network}`, LIMITS.address],
        [`mail:${kind}:${account}|${network}`, LIMITS.accountAndAddress],
        [`mail:${kind}:account:${account}`, LIMITS.account],
      ] as const;
      for (const [key, limit] of limits) {
        const { count, resetInMs } = await counters.increment(key, WINDOW_MS);
        if (count > limit) {
          throw accountErrors.too_many_mails({ details: { retryAfterSeconds: Math.max(1, resetInMs / 1000) } });
        }
      }
    },
  };
}

const HOUR_MS = 3_600_000;

/** Within an hour. A client that does not keep its tokens and signs in every minute stays far below. */
export const REGISTRATIONS_OF_NETWORK = 20;
export const SIGN_INS_OF_USER = 300;
export const REFRESHES_OF_USER = 600;

/** Of those who manage nothing is counted, as for `USER_WRITE_LIMIT`: they were given their role by somebody. */
export function createUsageLimits({ counters }: { readonly counters: CounterStore }): UsageLimits {
  async function count(key: string, limit: number, refusal: (retryAfterSeconds: number) => AppError): Promise<void> {
    const { count: counted, resetInMs } = await counters.increment(key, HOUR_MS);
    if (counted > limit) throw refusal(Math.max(1, resetInMs / 1000));
  }

  const tooOften = (retryAfterSeconds: number) => authErrors.too_many_sign_ins({ details: { retryAfterSeconds } });
  return {
    countRegistration: (address) =>
      count(`registrations:${addressBlock(address)}`, REGISTRATIONS_OF_NETWORK, (retryAfterSeconds) =>
        authErrors.too_many_registrations({ details: { retryAfterSeconds } }),
      ),
    async countSignIn({ userId, role }) {
      if (role === 'USER') await count(`sign-ins:${userId}`, SIGN_INS_OF_USER, tooOften);
    },
    async countRefresh({ userId, role }) {
      if (role === 'USER') await count(`refreshes:${userId}`, REFRESHES_OF_USER, tooOften);
    },
  };
}
