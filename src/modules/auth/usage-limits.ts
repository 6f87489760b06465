import { addressBlock } from '#kernel/addresses.ts';
import type { AppError } from '#kernel/errors.ts';
import type { CounterStore } from '#platform/cache/cache.port.ts';
import { authErrors } from './auth.errors.ts';
import type { UsageLimits } from './auth.ports.ts';

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
