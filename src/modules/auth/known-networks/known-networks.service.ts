import { addressBlock } from '#kernel/addresses.ts';
import type { Clock } from '#kernel/clock.ts';
import type { UsersApi } from '#modules/users/index.ts';
import type { KnownNetworks } from './known-networks.ports.ts';

export interface KnownNetworksDeps {
  readonly networks: KnownNetworks;
  readonly users: Pick<UsersApi, 'findByEmail'>;
  readonly clock: Clock;
}

export type KnownNetworksService = ReturnType<typeof createKnownNetworksService>;

const KNOWN_FOR_MS = 90 * 86_400_000;

/** Where a user was in the last 90 days and proved who it is: by a password, at a provider, by reading its mail. */
export function createKnownNetworksService({ networks, users, clock }: KnownNetworksDeps) {
  const has = (userId: number, network: string) => networks.has(userId, network, clock.now() - KNOWN_FOR_MS);

  return {
    note: (userId: number, address: string): Promise<void> => networks.note(userId, addressBlock(address), clock.now()),

    async isKnown(account: string, network: string): Promise<boolean> {
      const user = await users.findByEmail(account);
      return user !== null && (await has(user.id, network));
    },

    knows: (userId: number, address: string): Promise<boolean> => has(userId, addressBlock(address)),

    removeOld: (): Promise<number> => networks.removeOlder(clock.now() - KNOWN_FOR_MS),
  };
}
