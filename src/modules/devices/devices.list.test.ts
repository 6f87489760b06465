import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Principal } from '#kernel/access.ts';
import { createDevicesHarness, type DevicesHarness } from '#test/support/devices.ts';
import { createDeviceListing } from './devices.listing.repository.ts';
import type { DeviceListQuery } from './devices.ports.ts';
import { createStatements } from './devices.statements.ts';

const URL = '/api/v1/devices';

describe('the list', () => {
  let h: DevicesHarness;
  let groupId: number;
  beforeAll(async () => {
    h = await createDevicesHarness();
    const group = await h.app.request({
      method: 'POST',
      url: '/api/v1/device-groups',
      as: h.actors.ADMIN,
      body: { name: 'Hall' },
    });
    groupId = group.json().id;
    const owner_id = h.actors.USER.userId;
    await h.device({ device_uid: 'a', name: 'Pump 100%', device_type: 'pump', owner_id });
    h.clock.advance(1);
    await h.device({ device_uid: 'b', name: 'Pump_2', device_type: 'pump', group_id: groupId });
    h.clock.advance(1);
    const c = await h.device({ device_uid: 'c', name: 'Lamp!', owner_id });
    await h.device({ device_uid: 'd', name: 'lamp', owner_id: h.stranger.userId });
    await h.api.applyStatuses([{ deviceId: c.id, status: 'ONLINE', at: h.clock.now(), source: 'connection' }]);
  });
  afterAll(() => h.close());

  async function uids(query: Record<string, string | number>, as: Principal = h.actors.MANAGER) {
    const answer = await h.app.request({ url: URL, as, query });
    expect(answer.status).toBe(200);
    const page = answer.json();
    return [page.items.map((item: { device_uid: string }) => item.device_uid).join(''), page.total];
  }

  test('is newest first, then by id', async () => {
    expect(await uids({})).toEqual(['dcba', 4]);
  });

  test.each<[Record<string, string | number>, string]>([
    [{ status: 'ONLINE' }, 'c'],
    [{ status: 'OFFLINE' }, 'dba'],
    [{ device_type: 'pump' }, 'ba'],
    [{ device_type: 'pump', status: 'ONLINE' }, ''],
    [{ status: 'ONLINE,OFFLINE', device_type: 'pump' }, 'ba'],
    [{ status: 'ONLINE,ERROR,MAINTENANCE' }, 'c'],
    [{ q: 'LAMP' }, 'dc'],
    [{ q: '%' }, 'a'],
    [{ q: '_' }, 'b'],
    [{ q: '!' }, 'c'],
    [{ q: "'" }, ''],
    [{ q: 'pump', device_type: 'pump', sort: 'name' }, 'ab'],
    [{ sort: 'device_uid' }, 'abcd'],
    [{ sort: '-device_type,device_uid' }, 'cdab'],
    [{ sort: 'created_at,-id' }, 'abdc'],
    [{ sort: 'last_seen_at' }, 'abdc'],
  ])('%j finds %s', async (query, expected) => {
    expect(await uids(query)).toEqual([expected, expected.length]);
  });

  test('filters by group and owner', async () => {
    expect(await uids({ group_id: groupId })).toEqual(['b', 1]);
    expect(await uids({ owner_id: h.actors.USER.userId })).toEqual(['ca', 2]);
    expect(await uids({ owner_id: h.stranger.userId })).toEqual(['d', 1]);
  });

  test('shows a USER what it owns, whatever it filters by', async () => {
    expect(await uids({}, h.actors.USER)).toEqual(['ca', 2]);
    expect(await uids({ q: 'lamp' }, h.actors.USER)).toEqual(['c', 1]);
    expect(await uids({ owner_id: h.stranger.userId }, h.actors.USER)).toEqual(['', 0]);
    expect(await uids({}, h.stranger)).toEqual(['d', 1]);
  });

  test('has pages', async () => {
    const page = (query: Record<string, number>) => h.app.request({ url: URL, as: h.actors.ADMIN, query });
    expect((await page({ size: 3 })).json()).toMatchObject({ total: 4, page: 1, size: 3, pages: 2 });
    expect(
      (await page({ size: 3, page: 2 })).json().items.map((item: { device_uid: string }) => item.device_uid),
    ).toEqual(['a']);
    expect((await page({ size: 3, page: 3 })).json()).toMatchObject({ items: [], total: 4, pages: 2 });
  });

  test.each([
    'size=0',
    'size=101',
    'page=0',
    'status=BROKEN',
    'group_id=x',
    'nonsense=1',
    'sort=secret_hash',
    'sort=,',
  ])('refuses ?%s', async (query) => {
    const answer = await h.app.request({ url: `${URL}?${query}`, as: h.actors.ADMIN });
    expect(answer.status).toBe(422);
  });
});

describe('with USER_DEVICE_SCOPE=all', () => {
  let h: DevicesHarness;
  beforeAll(async () => {
    h = await createDevicesHarness('all');
  });
  afterAll(() => h.close());

  test('every user reads every device, and writes as before', async () => {
    const device = await h.device({ owner_id: h.stranger.userId });
    const as = h.actors.USER;
    const one = `${URL}/${device.id}`;
    expect((await h.app.request({ url: URL, as })).json().total).toBe(1);
    expect((await h.app.request({ url: one, as })).status).toBe(200);
    expect(await h.api.mayObserve(as, device.device_uid)).toBe(true);
    expect((await h.app.request({ method: 'PATCH', url: one, as, body: { name: 'x' } })).status).toBe(403);
    expect((await h.app.request({ method: 'DELETE', url: one, as })).status).toBe(403);
  });
});

describe('what the list remembers', () => {
  let h: DevicesHarness;
  beforeEach(async () => {
    h = await createDevicesHarness();
  });
  afterEach(() => h.close());

  test('is never stale, whatever happened in between', { timeout: 60_000 }, async () => {
    const long = createDeviceListing(h.sql, createStatements());
    const ids: number[] = [];
    for (let index = 0; index < 6; index += 1) ids.push((await h.device()).id);
    const id = fc.nat(20).map((n) => () => ids[n % ids.length] ?? 0);
    const as = h.actors.ADMIN;
    const patch = (target: number, body: object) =>
      h.app.request({ method: 'PATCH', url: `${URL}/${target}`, as, body });

    const action: fc.Arbitrary<() => Promise<unknown>> = fc.oneof(
      fc.constant(async () => ids.push((await h.device()).id)),
      id.map((of) => () => h.app.request({ method: 'DELETE', url: `${URL}/${of()}`, as })),
      fc.tuple(id, fc.constantFrom('A', 'B')).map(
        ([of, name]) =>
          () =>
            patch(of(), { name, metadata: { name } }),
      ),
      id.map((of) => () => patch(of(), { owner_id: h.actors.USER.userId })),
      id.map((of) => () => patch(of(), { status: 'MAINTENANCE' })),
      fc.tuple(id, fc.nat(1_000)).map(
        ([of, at]) =>
          () =>
            h.api.touchLastSeen(new Map([[of(), at]])),
      ),
      fc.tuple(id, fc.constantFrom('ONLINE' as const, 'OFFLINE' as const)).map(
        ([of, status]) =>
          () =>
            h.api.applyStatuses([{ deviceId: of(), status, at: 5, source: 'connection' }]),
      ),
    );
    const query: fc.Arbitrary<DeviceListQuery> = fc.record({
      page: fc.integer({ min: 1, max: 2 }),
      size: fc.integer({ min: 1, max: 5 }),
      filter: fc.record(
        { status: fc.constantFrom('ONLINE' as const, 'OFFLINE' as const), q: fc.constantFrom('a', 's') },
        { requiredKeys: [] },
      ),
      visibleTo: fc.constantFrom(null, h.actors.USER.userId),
      sort: fc.constantFrom(
        [{ field: 'created_at' as const, direction: 'desc' as const }],
        [{ field: 'name' as const, direction: 'asc' as const }],
      ),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(action, query), { maxLength: 10 }), async (steps) => {
        for (const [act, asked] of steps) {
          await act();
          const fresh = createDeviceListing(h.sql, createStatements());
          expect(await long.list(asked)).toEqual(await fresh.list(asked));
        }
      }),
      { numRuns: 60 },
    );
  });
});
