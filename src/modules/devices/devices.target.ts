import type { DeviceDirectory, DeviceFacts } from './devices.ports.ts';

/** Which devices something is for. */
export type DeviceTarget =
  | { readonly deviceIds: readonly number[] }
  | { readonly groupId: number }
  | { readonly deviceType: string }
  | { readonly all: true };

/** Devices that are read at a time. */
const PAGE = 500;

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

/** How many devices a target has now. */
export async function countOfTarget(
  directory: Pick<DeviceDirectory, 'describe' | 'countInScope'>,
  target: DeviceTarget,
): Promise<number> {
  if (!('deviceIds' in target)) return await directory.countInScope('all' in target ? {} : target);
  let count = 0;
  for (let from = 0; from < target.deviceIds.length; from += PAGE) {
    count += (await directory.describe(target.deviceIds.slice(from, from + PAGE))).length;
  }
  return count;
}
