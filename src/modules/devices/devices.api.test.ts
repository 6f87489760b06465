import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDevicesHarness, type DevicesHarness } from '#test/support/devices.ts';

let h: DevicesHarness;
beforeAll(async () => {
  h = await createDevicesHarness();
});
afterAll(() => h.close());

test('other modules see what the principal may see, and nothing else', async () => {
  const device = await h.device({ device_uid: 'Seen', owner_id: h.actors.USER.userId });
  const ref = { deviceId: device.id, deviceUid: 'Seen', ownerId: h.actors.USER.userId };
  for (const principal of Object.values(h.actors)) {
    expect(await h.api.getVisible(principal, device.id)).toEqual({ ...ref, groupId: null });
    expect(await h.api.findVisibleByUid(principal, 'Seen')).toEqual(ref);
    expect(await h.api.mayObserve(principal, 'Seen')).toBe(true);
  }
  await expect(h.api.getVisible(h.stranger, device.id)).rejects.toMatchObject({ code: 'device_not_found' });
  expect(await h.api.findVisibleByUid(h.stranger, 'Seen')).toBeNull();
  expect(await h.api.mayObserve(h.stranger, 'Seen')).toBe(false);
  expect(await h.api.mayObserve(h.actors.ADMIN, 'seen')).toBe(false);
  expect(await h.api.mayObserve(h.actors.ADMIN, 'Unknown')).toBe(false);
});

test('a device without an owner is seen by MANAGEMENT alone', async () => {
  const { device_uid } = await h.device();
  expect(await h.api.mayObserve(h.actors.MANAGER, device_uid)).toBe(true);
  expect(await h.api.mayObserve(h.actors.USER, device_uid)).toBe(false);
});

test('who loses a device loses sight of it at once', async () => {
  const { id, device_uid } = await h.device({ owner_id: h.actors.USER.userId });
  const body = { owner_id: h.stranger.userId };
  await h.app.request({ method: 'PATCH', url: `/api/v1/devices/${id}`, as: h.actors.MANAGER, body });
  expect(await h.api.mayObserve(h.actors.USER, device_uid)).toBe(false);
  expect(await h.api.mayObserve(h.stranger, device_uid)).toBe(true);
});

test('a device is controlled by MANAGEMENT and its owner, whoever may see it', async () => {
  const open = await createDevicesHarness('all');
  try {
    const { id } = await open.device({ owner_id: open.actors.USER.userId });
    for (const principal of Object.values(open.actors)) {
      expect(await open.api.getControllable(principal, id)).toMatchObject({ deviceId: id });
    }
    await expect(open.api.getControllable(open.stranger, id)).rejects.toMatchObject({ code: 'device_not_yours' });
  } finally {
    await open.close();
  }
  const { id } = await h.device({ owner_id: h.actors.USER.userId });
  await expect(h.api.getControllable(h.stranger, id)).rejects.toMatchObject({ code: 'device_not_found' });
  await expect(h.api.getControllable(h.actors.ADMIN, 9_999)).rejects.toMatchObject({ code: 'device_not_found' });
});
