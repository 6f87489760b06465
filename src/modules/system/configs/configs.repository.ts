import type { Generated, Kysely, SelectQueryBuilder } from 'kysely';
import type { AuditTrail } from '#platform/audit/audit.port.ts';
import { readPage } from '#platform/sql/pages.port.ts';
import { containing, isLike, type SqlStore } from '#platform/sql/sql.port.ts';
import type { ConfigStore, ConfigWriter, StoredConfig } from './configs.ports.ts';

interface Tables {
  system_configs: {
    id: Generated<number>;
    key: string;
    value: string;
    is_secret: number;
    description: string | null;
    created_at: number;
    updated_at: number;
  };
}

export function createConfigStore(store: SqlStore, audit: AuditTrail): ConfigStore {
  const db = () => store.db<Tables>();
  return {
    findByKey: (key) => findByKey(db(), key),
    async list({ q, ...asked }) {
      let matching = db().selectFrom('system_configs');
      if (q !== undefined) matching = matching.where(isLike(['key', 'description'], containing(q)));
      return await readPage(select(matching), { ...asked, tie: { field: 'id', direction: 'asc' } }, toConfig);
    },
    async listSecrets() {
      const rows = await select(db().selectFrom('system_configs')).where('is_secret', '=', 1).orderBy('key').execute();
      return rows.map(toConfig);
    },
    transaction: (work) => store.transaction((trx: Kysely<Tables>) => work(createConfigWriter(trx), audit.on(trx))),
  };
}

function createConfigWriter(trx: Kysely<Tables>): ConfigWriter {
  return {
    findByKey: (key) => findByKey(trx, key),
    async insert(config, at) {
      await trx
        .insertInto('system_configs')
        .values({ ...toColumns(config), key: config.key, created_at: at, updated_at: at })
        .execute();
    },
    async update(config, at) {
      await trx
        .updateTable('system_configs')
        .set({ ...toColumns(config), updated_at: at })
        .where('key', '=', config.key)
        .execute();
    },
    async remove(key) {
      await trx.deleteFrom('system_configs').where('key', '=', key).execute();
    },
  };
}

async function findByKey(db: Kysely<Tables>, key: string): Promise<StoredConfig | null> {
  const row = await select(db.selectFrom('system_configs')).where('key', '=', key).executeTakeFirst();
  return row === undefined ? null : toConfig(row);
}

function select(query: SelectQueryBuilder<Tables, 'system_configs', object>) {
  return query.select(['key', 'value', 'is_secret', 'description', 'created_at', 'updated_at']);
}

function toColumns({ value, isSecret, description }: Pick<StoredConfig, 'value' | 'isSecret' | 'description'>) {
  return { value, is_secret: Number(isSecret), description };
}

function toConfig(row: Omit<Tables['system_configs'], 'id'>): StoredConfig {
  return {
    key: row.key,
    value: row.value,
    isSecret: row.is_secret === 1,
    description: row.description,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
