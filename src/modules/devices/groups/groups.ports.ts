import type { PageQuery, SortTerm } from '#kernel/pagination.ts';
import type { AuditWriter } from '#platform/audit/audit.port.ts';

export interface DeviceGroup {
  readonly id: number;
  /** Unique. */
  readonly name: string;
  readonly description: string | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** Fields to set; an absent one stays. */
export type GroupChanges = Partial<Pick<DeviceGroup, 'name' | 'description'>>;

export const GROUP_SORT_FIELDS = ['id', 'name', 'created_at', 'updated_at'] as const;
export type GroupSortField = (typeof GROUP_SORT_FIELDS)[number];

export interface GroupListQuery extends Omit<PageQuery, 'sort'> {
  /** Contained in name or description. */
  readonly q?: string;
  /** Ties are broken by id. */
  readonly sort: readonly SortTerm<GroupSortField>[];
}

export interface GroupWriter {
  findById(id: number): Promise<DeviceGroup | null>;
  /** @returns the id. @throws AppError `device_group_name_taken` */
  insert(group: Pick<DeviceGroup, 'name' | 'description'>, at: number): Promise<number>;
  /** @throws AppError `device_group_name_taken` */
  update(id: number, changes: GroupChanges, at: number): Promise<void>;
  /** Whether a device that was not deleted is in the group. */
  hasDevices(id: number): Promise<boolean>;
  /** Takes devices that were deleted long ago out of the group, too. @throws AppError `device_group_in_use` */
  remove(id: number): Promise<void>;
}

export interface GroupStore extends Pick<GroupWriter, 'findById'> {
  list(query: GroupListQuery): Promise<{ readonly items: readonly DeviceGroup[]; readonly total: number }>;
  /** All of `work` or nothing; on disk when it resolves. `work` awaits nothing but the two writers. */
  transaction<T>(work: (writer: GroupWriter, audit: AuditWriter) => Promise<T>): Promise<T>;
}
