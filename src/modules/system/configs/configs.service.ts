import type { Principal } from '#kernel/access.ts';
import type { Clock } from '#kernel/clock.ts';
import { commonErrors } from '#kernel/errors.ts';
import { type Page, type PageQuery, parseSort, toPage } from '#kernel/pagination.ts';
import { type AuditEntry, changedFields } from '#platform/audit/audit.port.ts';
import type { SealedTexts, SecretBox } from '#platform/secrets/secret-box.port.ts';
import { systemErrors } from '../system.errors.ts';
import {
  CONFIG_SORT_FIELDS,
  type Config,
  type ConfigInput,
  type ConfigStore,
  type StoredConfig,
} from './configs.ports.ts';

export interface ConfigsServiceDeps {
  readonly store: ConfigStore;
  readonly box: SecretBox;
  readonly clock: Clock;
}

export type ConfigsService = ReturnType<typeof createConfigsService>;

const MAX_BYTES = 16 * 1024;
/** `{"a": 1}` has depth 1. */
const MAX_DEPTH = 8;

export function createConfigsService({ store, box, clock }: ConfigsServiceDeps) {
  return {
    /** By key unless sorted otherwise. @throws AppError `invalid_sort` */
    async list(query: PageQuery & { readonly q?: string }): Promise<Page<Config>> {
      const sort = parseSort(query.sort, CONFIG_SORT_FIELDS, [{ field: 'key', direction: 'asc' }]);
      const { items, total } = await store.list({ ...query, sort });
      return toPage(items.map(shown), total, query);
    },

    /** @throws AppError `config_not_found` */
    async get(key: string): Promise<Config> {
      const config = await store.findByKey(key);
      if (config === null) throw systemErrors.config_not_found();
      return shown(config);
    },

    /**
     * Creates or replaces. A secret one stays secret unless the input says otherwise, so that nobody makes one
     * readable by leaving a field out.
     * @throws AppError `config_value_invalid`, `config_key_away`
     */
    async put(actor: Principal, key: string, input: ConfigInput): Promise<Config> {
      const text = toText(input.value);
      // Outside of the transaction, which awaits nothing but its writers.
      const secret = input.isSecret ?? (await store.findByKey(key))?.isSecret ?? false;
      const value = secret ? await box.seal(text, key) : text;
      return store.transaction(async (writer, audit) => {
        const before = await writer.findByKey(key);
        // Made secret by somebody else meanwhile.
        if (input.isSecret === undefined && !secret && before?.isSecret === true) throw commonErrors.unavailable();
        const description = input.description === undefined ? (before?.description ?? null) : input.description;
        const config = { key, value, isSecret: secret, description };
        if (before === null) {
          await writer.insert(config, clock.now());
          await audit.record({ actor, ...on(key), action: 'system_config.created', details: audited(config) });
        } else {
          const details = updateOf(before, config);
          if (details === null) return shown(before);
          await writer.update(config, clock.now());
          await audit.record({ actor, ...on(key), action: 'system_config.updated', details });
        }
        return shown((await writer.findByKey(key)) ?? { ...config, createdAt: clock.now(), updatedAt: clock.now() });
      });
    },

    /** @throws AppError `config_not_found` */
    async remove(actor: Principal, key: string): Promise<void> {
      await store.transaction(async (writer, audit) => {
        const config = await writer.findByKey(key);
        if (config === null) throw systemErrors.config_not_found();
        await writer.remove(key);
        await audit.record({ actor, ...on(key), action: 'system_config.deleted', details: audited(config) });
      });
    },

    /** The value, secret or not, for the system's own use; undefined when there is none. @throws AppError `config_key_away` */
    async read(key: string): Promise<unknown> {
      const config = await store.findByKey(key);
      if (config === null) return undefined;
      return JSON.parse(config.isSecret ? await box.open(config.value, key) : config.value);
    },

    /** The secret ones. */
    sealed: {
      what: 'secret configs',
      list: async () => (await store.listSecrets()).map(({ key, value }) => ({ context: key, sealed: value })),
      replace: (key, before, after) =>
        store.transaction(async (writer) => {
          const now = await writer.findByKey(key);
          // Not a change that anybody made: the time stays.
          if (now?.value === before) await writer.update({ ...now, value: after }, now.updatedAt);
        }),
    } satisfies SealedTexts as SealedTexts,
  };
}

function shown({ value, ...config }: StoredConfig): Config {
  return { ...config, value: config.isSecret ? null : JSON.parse(value) };
}

/** Never the value: who may read the trail is not who may read the configuration. */
function on(key: string): Pick<AuditEntry, 'resourceType' | 'resourceId'> {
  return { resourceType: 'system_config', resourceId: key };
}

type Written = Pick<StoredConfig, 'value' | 'isSecret' | 'description'>;

function audited({ isSecret, description }: Written) {
  return { is_secret: isSecret, description };
}

/**
 * Which fields another one has, of the value only that it has; null: none. A secret one is sealed anew each time and
 * counts as another: whether it was the same is nobody's business.
 */
function updateOf(before: Written, after: Written): NonNullable<AuditEntry['details']> | null {
  const { changes } = changedFields(audited(before), audited(after));
  const isValueNew = before.value !== after.value;
  if (!isValueNew && Object.keys(changes).length === 0) return null;
  return { is_secret: after.isSecret, changes, ...(isValueNew ? { value_changed: true } : {}) };
}

function toText(value: unknown): string {
  if (isDeeper(value, MAX_DEPTH)) throw invalid(`must not be nested deeper than ${MAX_DEPTH} levels`);
  const text = JSON.stringify(value);
  if (Buffer.byteLength(text) > MAX_BYTES) throw invalid(`must be at most ${MAX_BYTES} bytes as JSON`);
  return text;
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((child) => isDeeper(child, levels - 1));
}

function invalid(message: string) {
  return systemErrors.config_value_invalid({ details: { fields: [{ path: '/value', message }] } });
}
