import { type Static, Type } from 'typebox';
import { Id, Strict } from '#platform/http/http.schemas.ts';
import { deviceErrors } from './devices.errors.ts';
import type { DeviceDirectory, DeviceFacts } from './devices.ports.ts';

/** Which devices something is for. */
export type DeviceTarget =
  | { readonly deviceIds: readonly number[] }
  | { readonly groupId: number }
  | { readonly deviceType: string }
  | { readonly all: true };

/** Devices that a target may list one by one. */
const MAX_LISTED = 1_000;
/** Devices that are read at a time. */
const PAGE = 500;

export const DeviceTargetField = Strict(
  'DeviceTarget',
  {
    device_ids: Type.Optional(Type.Array(Id, { minItems: 1, maxItems: MAX_LISTED, uniqueItems: true })),
    group_id: Type.Optional({ ...Id, description: 'Every device of this group' }),
    device_type: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: 'Every device of this type' })),
    all: Type.Optional(Type.Literal(true, { description: 'Every device' })),
  },
  { description: 'Exactly one of these', examples: [{ group_id: 3 }] },
);

/** @throws AppError `device_target_invalid` when the body names none or several */
export function toTarget(body: Static<typeof DeviceTargetField>): DeviceTarget {
  const named: DeviceTarget[] = [
    ...(body.device_ids === undefined ? [] : [{ deviceIds: body.device_ids }]),
    ...(body.group_id === undefined ? [] : [{ groupId: body.group_id }]),
    ...(body.device_type === undefined ? [] : [{ deviceType: body.device_type }]),
    ...(body.all === undefined ? [] : [{ all: body.all }]),
  ];
  const [only, ...more] = named;
  if (only !== undefined && more.length === 0) return only;
  const message = 'must name exactly one of device_ids, group_id, device_type and all';
  throw deviceErrors.device_target_invalid({ details: { fields: [{ path: '/target', message }] } });
}

export function presentTarget(target: DeviceTarget): Static<typeof DeviceTargetField> {
  if ('deviceIds' in target) return { device_ids: [...target.deviceIds] };
  if ('groupId' in target) return { group_id: target.groupId };
  if ('deviceType' in target) return { device_type: target.deviceType };
  return { all: true };
}

/**
 * Devices of a target with an id above `afterId`, by id; work that goes on later begins behind the last one it dealt with.
 * @returns at most 500; none: that was the last page
 */
export async function pageOfTarget(
  directory: Pick<DeviceDirectory, 'describe' | 'listInScope'>,
  target: DeviceTarget,
  afterId: number,
): Promise<readonly DeviceFacts[]> {
  if ('deviceIds' in target) {
    const listed = target.deviceIds.filter((id) => id > afterId).sort((a, b) => a - b);
    // Deleted ones are left out: a page of nothing else is no end.
    for (let from = 0; from < listed.length; from += PAGE) {
      const page = await directory.describe(listed.slice(from, from + PAGE));
      if (page.length > 0) return page;
    }
    return [];
  }
  return await directory.listInScope('all' in target ? {} : target, afterId, PAGE);
}
