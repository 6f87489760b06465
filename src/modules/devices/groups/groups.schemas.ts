import { type Static, Type } from 'typebox';
import { toIso } from '#kernel/clock.ts';
import {
  Id,
  Instant,
  Nullable,
  PageOf,
  pageQuery,
  Strict,
  searchQuery,
  sortQuery,
} from '#platform/http/http.schemas.ts';
import { type DeviceGroup, GROUP_SORT_FIELDS } from './groups.ports.ts';

const name = Type.String({
  maxLength: 100,
  pattern: '^(?=.*\\S)[^\\u0000-\\u001f\\u007f]+$',
  'x-accepts': 'text with something visible in it, in one line and without control characters',
  description: 'Name, unique among the groups',
  examples: ['Greenhouse 7'],
});
const description = Nullable(
  Type.String({ maxLength: 500, description: 'What the group is', examples: ['Everything under the glass roof'] }),
);

export const GroupView = Strict('DeviceGroup', {
  id: { ...Id, examples: [3] },
  name: Type.String({ description: 'Name, unique among the groups', examples: ['Greenhouse 7'] }),
  description: Nullable(
    Type.String({ description: 'What the group is', examples: ['Everything under the glass roof'] }),
  ),
  created_at: Instant,
  updated_at: Instant,
});
export const GroupPage = PageOf(GroupView);
export const GroupParams = Strict({ group_id: { ...Id, description: 'Id of the group', examples: [3] } });
export const GroupQuery = Strict({ ...pageQuery, ...sortQuery(GROUP_SORT_FIELDS), ...searchQuery });
export const GroupBody = Strict('NewDeviceGroup', { name, description: Type.Optional(description) });
export const GroupPatch = Strict('DeviceGroupChanges', {
  name: Type.Optional(name),
  description: Type.Optional(description),
});
export const GROUP_SORT_HELP = `Sort by ${GROUP_SORT_FIELDS.join(', ')}.`;

export function presentGroup(group: DeviceGroup): Static<typeof GroupView> {
  return {
    id: group.id,
    name: group.name,
    description: group.description,
    created_at: toIso(group.createdAt),
    updated_at: toIso(group.updatedAt),
  };
}
