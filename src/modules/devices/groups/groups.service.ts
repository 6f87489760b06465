import type { Principal } from '#kernel/access.ts';
import type { Clock } from '#kernel/clock.ts';
import { type Page, type PageQuery, parseSort, toPage } from '#kernel/pagination.ts';
import { type AuditEntry, changedFields } from '#platform/audit/audit.port.ts';
import { deviceErrors } from '../devices.errors.ts';
import { type DeviceGroup, GROUP_SORT_FIELDS, type GroupChanges, type GroupStore } from './groups.ports.ts';

export interface GroupsServiceDeps {
  readonly store: GroupStore;
  readonly clock: Clock;
}

export type GroupsService = ReturnType<typeof createGroupsService>;

const DEFAULT_SORT = [{ field: 'name', direction: 'asc' }] as const;

export function createGroupsService({ store, clock }: GroupsServiceDeps) {
  async function existing(id: number, reader: Pick<GroupStore, 'findById'> = store): Promise<DeviceGroup> {
    const group = await reader.findById(id);
    if (group === null) throw deviceErrors.device_group_not_found();
    return group;
  }

  return {
    /** @throws AppError `invalid_sort` */
    async list(query: PageQuery & { readonly q?: string }): Promise<Page<DeviceGroup>> {
      const sort = parseSort(query.sort, GROUP_SORT_FIELDS, DEFAULT_SORT);
      const { items, total } = await store.list({ ...query, sort });
      return toPage(items, total, query);
    },

    /** @throws AppError `device_group_not_found` */
    get: (id: number): Promise<DeviceGroup> => existing(id),

    /** @throws AppError `device_group_name_taken` */
    create(actor: Principal, group: Pick<DeviceGroup, 'name' | 'description'>): Promise<DeviceGroup> {
      return store.transaction(async (writer, audit) => {
        const created = await existing(await writer.insert(group, clock.now()), writer);
        await audit.record({ actor, ...on(created.id), action: 'device_group.created', details: audited(created) });
        return created;
      });
    },

    /** @throws AppError `device_group_not_found`, `device_group_name_taken` */
    update(actor: Principal, id: number, changes: GroupChanges): Promise<DeviceGroup> {
      return store.transaction(async (writer, audit) => {
        const before = await existing(id, writer);
        const { name = before.name, description = before.description } = changes;
        if (name === before.name && description === before.description) return before;
        await writer.update(id, { name, description }, clock.now());
        const after = await existing(id, writer);
        const details = changedFields(audited(before), audited(after));
        await audit.record({ actor, ...on(id), action: 'device_group.updated', details });
        return after;
      });
    },

    /** @throws AppError `device_group_not_found`, `device_group_in_use` */
    remove(actor: Principal, id: number): Promise<void> {
      return store.transaction(async (writer, audit) => {
        const group = await existing(id, writer);
        if (await writer.hasDevices(id)) throw deviceErrors.device_group_in_use();
        await writer.remove(id);
        await audit.record({ actor, ...on(id), action: 'device_group.deleted', details: audited(group) });
      });
    },
  };
}

function on(id: number): Pick<AuditEntry, 'resourceType' | 'resourceId'> {
  return { resourceType: 'device_group', resourceId: String(id) };
}

function audited({ name, description }: DeviceGroup) {
  return { name, description };
}
