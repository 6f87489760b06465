import { type Static, Type } from 'typebox';
import { Id, Strict } from '#platform/http/http.schemas.ts';
import { deviceErrors } from './devices.errors.ts';
import type { DeviceTarget } from './devices.target.ts';

/** Devices that a target may list one by one. */
const MAX_LISTED = 1_000;

export const DeviceTargetField = Strict(
  'DeviceTarget',
  {
    device_ids: Type.Optional(
      Type.Array(Id, { minItems: 1, maxItems: MAX_LISTED, uniqueItems: true, description: 'Ids of devices' }),
    ),
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
