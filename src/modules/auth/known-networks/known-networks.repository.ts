import type { SqlStore } from '#platform/sql/sql.port.ts';
import type { KnownNetworks } from './known-networks.ports.ts';

interface Tables {
  sign_in_networks: {
    user_id: number;
    network: string;
    created_at: number;
    updated_at: number;
  };
}

const KEPT = 20;
/** Behind a proxy that is trusted blindly an address can be anything. */
const MAX_NETWORK = 64;

export function createKnownNetworks(store: SqlStore): KnownNetworks {
  return {
    async note(userId, given, now) {
      const network = given.slice(0, MAX_NETWORK);
      await store.transaction<Tables, void>(async (trx) => {
        const { numUpdatedRows } = await trx
          .updateTable('sign_in_networks')
          .set({ updated_at: now })
          .where('user_id', '=', userId)
          .where('network', '=', network)
          .executeTakeFirstOrThrow();
        if (numUpdatedRows > 0n) return;
        await trx
          .insertInto('sign_in_networks')
          .values({ user_id: userId, network, created_at: now, updated_at: now })
          .execute();
        const surplus = await trx
          .selectFrom('sign_in_networks')
          .select('network')
          .where('user_id', '=', userId)
          .orderBy('updated_at', 'desc')
          .orderBy('created_at', 'desc')
          .limit(KEPT)
          .offset(KEPT)
          .execute();
        if (surplus.length === 0) return;
        await trx
          .deleteFrom('sign_in_networks')
          .where('user_id', '=', userId)
          .where(
            'network',
            'in',
            surplus.map((row) => row.network),
          )
          .execute();
      });
    },
    async has(userId, network, since) {
      const row = await store
        .db<Tables>()
        .selectFrom('sign_in_networks')
        .select('network')
        .where('user_id', '=', userId)
        .where('network', '=', network.slice(0, MAX_NETWORK))
        .where('updated_at', '>=', since)
        .executeTakeFirst();
      return row !== undefined;
    },
    async removeOlder(before) {
      const { numDeletedRows } = await store
        .db<Tables>()
        .deleteFrom('sign_in_networks')
        .where('updated_at', '<', before)
        .executeTakeFirstOrThrow();
      return Number(numDeletedRows);
    },
  };
}
