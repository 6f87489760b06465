import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDevicesHarness, type DevicesHarness } from '#test/support/devices.ts';
import { presentTarget, toTarget } from './devices.target.schemas.ts';
import { type DeviceTarget, pageOfTarget } from './devices.target.ts';

let h: DevicesHarness;
const ids: number[] = [];
beforeAll(async () => {
  h = await createDevicesHarness();
  for (const [index, device_type] of ['pump', 'lamp', 'pump'].entries()) {
    ids.push((await h.device({ device_uid: `t${index}`, device_type })).id);
  }
});
afterAll(() => h.close());

async function all(target: DeviceTarget): Promise<number[]> {
  const found: number[] = [];
  for (;;) {
    const page = await pageOfTarget(h.api, target, found.at(-1) ?? 0);
    if (page.length === 0) return found;
    found.push(...page.map(({ deviceId }) => deviceId));
  }
}

test('a target names its devices page by page, each once, and goes on behind the last one', async () => {
  const [first, second, third] = ids as [number, number, number];
  expect(await all({ all: true })).toEqual(ids);
  expect(await all({ deviceType: 'pump' })).toEqual([first, third]);
  expect(await all({ deviceIds: [third, first, 9_999] })).toEqual([first, third]);
  expect(await all({ groupId: 1 })).toEqual([]);
  expect((await pageOfTarget(h.api, { all: true }, second)).map(({ deviceId }) => deviceId)).toEqual([third]);
});

test('listed devices that are gone end no list', async () => {
  const gone = Array.from({ length: 501 }, (_, index) => index + 100_000);
  const [first] = ids as [number];
  expect(await all({ deviceIds: [first, ...gone] })).toEqual([first]);
  expect(await all({ deviceIds: [...gone, 200_000] })).toEqual([]);
});

test('a body names exactly one target', () => {
  for (const body of [{ device_ids: [1, 2] }, { group_id: 3 }, { device_type: 'pump' }, { all: true as const }]) {
    expect(presentTarget(toTarget(body))).toEqual(body);
  }
  for (const body of [{}, { all: true as const, group_id: 3 }]) {
    expect(() => toTarget(body)).toThrow(expect.objectContaining({ code: 'device_target_invalid' }));
  }
});
