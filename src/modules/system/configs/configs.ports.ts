import type { PageQuery, SortTerm } from '#kernel/pagination.ts';
import type { AuditWriter } from '#platform/audit/audit.port.ts';

/** Instants are epoch milliseconds. */
export interface StoredConfig {
  readonly key: string;
  /** JSON text, or what `SecretBox.seal` made of it. */
  readonly value: string;
  readonly isSecret: boolean;
  readonly description: string | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export const CONFIG_SORT_FIELDS = ['key', 'created_at', 'updated_at'] as const;
export type ConfigSortField = (typeof CONFIG_SORT_FIELDS)[number];

export interface ConfigListQuery extends Omit<PageQuery, 'sort'> {
  /** Contained in key or description. */
  readonly q?: string;
  readonly sort: readonly SortTerm<ConfigSortField>[];
}

export interface ConfigWriter {
  findByKey(key: string): Promise<StoredConfig | null>;
  insert(config: Omit<StoredConfig, 'createdAt' | 'updatedAt'>, at: number): Promise<void>;
  update(config: Omit<StoredConfig, 'createdAt' | 'updatedAt'>, at: number): Promise<void>;
  remove(key: string): Promise<void>;
}

export interface ConfigStore extends Pick<ConfigWriter, 'findByKey'> {
  list(query: ConfigListQuery): Promise<{ readonly items: readonly StoredConfig[]; readonly total: number }>;
  /** Every secret one, by key. */
  listSecrets(): Promise<readonly StoredConfig[]>;
  /** All of `work` or nothing; on disk when it resolves. `work` awaits nothing but the two writers. */
  transaction<T>(work: (writer: ConfigWriter, audit: AuditWriter) => Promise<T>): Promise<T>;
}

/** A configuration as people see it: of a secret one there is no value. */
export interface Config extends Omit<StoredConfig, 'value'> {
  readonly value: unknown;
}

export interface ConfigInput {
  /** Any JSON. */
  readonly value: unknown;
  /** Absent: as it was; a new one is not secret. */
  readonly isSecret?: boolean;
  /** Absent: as it was. */
  readonly description?: string | null;
}
