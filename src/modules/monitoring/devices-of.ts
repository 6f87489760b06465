import type { DevicesApi } from '#modules/devices/index.ts';

const PAGE = 1_000;

/** Ids of the devices that a user owns. */
export async function ownedDevices(
  devices: Pick<DevicesApi, 'listInScope'>,
  ownerId: number,
): Promise<readonly number[]> {
  const ids: number[] = [];
  for (;;) {
    const page = await devices.listInScope({ ownerId }, ids.at(-1) ?? 0, PAGE);
    ids.push(...page.map(({ deviceId }) => deviceId));
    if (page.length < PAGE) return ids;
  }
}
