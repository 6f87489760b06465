import { addressBlock } from '#kernel/addresses.ts';
import type { CounterStore } from '#platform/cache/cache.port.ts';
import { accountErrors } from './account.errors.ts';
import type { MailThrottle } from './account.ports.ts';

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
