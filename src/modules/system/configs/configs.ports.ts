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

/** Encrypts texts at rest. `context` is bound to it: what was sealed for one key opens for no other. */
export interface SecretBox {
  /** Reads the keys from their folder, again at each call. @throws AppError `config_key_away` when it cannot be read */
  load(): Promise<void>;
  /**
   * Under the newest key; makes the first one when there is none.
   * @throws AppError `config_key_away` when there is none and none can be made
   */
  seal(text: string, context: string): Promise<string>;
  /** @throws AppError `config_key_away` for a key that is not in the folder, or a text that was changed */
  open(sealed: string, context: string): Promise<string>;
  /** Whether it was sealed under the newest key. False also before there is a key. */
  isCurrent(sealed: string): boolean;
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
