import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createDevicesHarness, type DevicesHarness } from '#test/support/devices.ts';
import {
  DEVICE_STATUSES,
  type DeviceStatus,
  STATUS_SOURCES,
  type StatusChange,
  type StatusTransition,
} from '../index.ts';
import { createTransitionOutbox } from './transitions.repository.ts';

let h: DevicesHarness;
beforeEach(async () => {
  h = await createDevicesHarness();
});
afterEach(() => h.close());

const read = async (id: number) => (await h.app.request({ url: `/api/v1/devices/${id}`, as: h.actors.ADMIN })).json();
const change = (deviceId: number, status: DeviceStatus, more: Partial<StatusChange> = {}): StatusChange => ({
  deviceId,
  status,
  at: 1_000,
  source: 'connection',
  ...more,
});
const withoutId = ({ id: _, ...rest }: StatusTransition) => rest;
const iso = (ms: number) => new Date(ms).toISOString();
const statusEvents = () => h.events.filter(({ type }) => type === 'device.status_changed');

describe('applyStatuses', () => {
  test('stores, returns and announces transitions, and nothing else', async () => {
    const a = await h.device();
    const b = await h.device();
    h.clock.advance(5_000);
    const transitions = await h.api.applyStatuses([
      change(a.id, 'ONLINE', { ipAddress: '10.0.0.1' }),
      change(b.id, 'OFFLINE'),
      change(a.id, 'ONLINE', { at: 2_000, source: 'message', firmwareVersion: '1.2' }),
      change(a.id, 'ERROR', { at: 3_000, source: 'message' }),
      change(999_999, 'ONLINE'),
    ]);
    const of = { deviceId: a.id, deviceUid: a.device_uid };
    expect(transitions.map(withoutId)).toEqual([
      { ...of, from: 'OFFLINE', to: 'ONLINE', at: 1_000, source: 'connection' },
      { ...of, from: 'ONLINE', to: 'ERROR', at: 3_000, source: 'message' },
    ]);
    const event = { transition_id: expect.any(String), device_id: a.id, device_uid: a.device_uid };
    expect(statusEvents()).toEqual([
      {
        type: 'device.status_changed',
        at: 1_000,
        data: { ...event, from: 'OFFLINE', to: 'ONLINE', source: 'connection', last_seen_at: 1_000 },
      },
      {
        type: 'device.status_changed',
        at: 3_000,
        data: { ...event, from: 'ONLINE', to: 'ERROR', source: 'message', last_seen_at: 3_000 },
      },
    ]);
    expect(await read(a.id)).toMatchObject({
      status: 'ERROR',
      ip_address: '10.0.0.1',
      firmware_version: '1.2',
      last_seen_at: iso(3_000),
      updated_at: iso(h.clock.now()),
    });
    // Contact without a transition: seen, but not changed.
    expect(await read(b.id)).toMatchObject({ status: 'OFFLINE', last_seen_at: iso(1_000), updated_at: b.updated_at });
  });

  test('the address that a device reports stays over its connections, until it takes it back', async () => {
    const { id } = await h.device();
    const connects = change(id, 'ONLINE', { ipAddress: '203.0.113.5' });
    await h.api.applyStatuses([connects]);
    expect(await read(id)).toMatchObject({ ip_address: '203.0.113.5' });
    const reports = change(id, 'ONLINE', { source: 'message', ipAddress: '192.168.0.17' });
    await h.api.applyStatuses([reports, change(id, 'OFFLINE'), connects]);
    await h.api.applyStatuses([change(id, 'ERROR', { source: 'message' }), change(id, 'OFFLINE'), connects]);
    expect(await read(id)).toMatchObject({ ip_address: '192.168.0.17' });
    const list = await h.app.request({ url: '/api/v1/devices', as: h.actors.ADMIN });
    expect(list.json().items).toMatchObject([{ id, ip_address: '192.168.0.17' }]);
    await h.api.applyStatuses([change(id, 'ONLINE', { source: 'message', ipAddress: '' })]);
    expect(await read(id)).toMatchObject({ ip_address: '203.0.113.5' });
  });

  test('the same again changes nothing', async () => {
    const { id } = await h.device();
    expect(await h.api.applyStatuses([change(id, 'ONLINE')])).toHaveLength(1);
    const before = await read(id);
    h.clock.advance(1_000);
    expect(await h.api.applyStatuses([change(id, 'ONLINE')])).toEqual([]);
    expect(await read(id)).toEqual(before);
    expect(statusEvents()).toHaveLength(1);
  });

  test('health and operators are no contact with the device', async () => {
    const { id } = await h.device();
    await h.api.applyStatuses([
      change(id, 'ERROR', { source: 'health' }),
      change(id, 'MAINTENANCE', { source: 'operator' }),
    ]);
    expect(await read(id)).toMatchObject({ status: 'MAINTENANCE', last_seen_at: null });
  });

  test('ignores deleted devices', async () => {
    const { id } = await h.device();
    await h.app.request({ method: 'DELETE', url: `/api/v1/devices/${id}`, as: h.actors.ADMIN });
    expect(await h.api.applyStatuses([change(id, 'ONLINE')])).toEqual([]);
    await h.api.touchLastSeen(new Map([[id, 5]]));
    expect(statusEvents()).toEqual([]);
  });

  test('batches asked for at once are applied one after the other', async () => {
    const { id } = await h.device();
    const asked = (['ONLINE', 'ERROR', 'OFFLINE', 'ONLINE'] as const).map((status) =>
      h.api.applyStatuses([change(id, status)]),
    );
    const held = h.app.request({
      method: 'PATCH',
      url: `/api/v1/devices/${id}`,
      as: h.actors.ADMIN,
      body: { status: 'MAINTENANCE' },
    });
    expect((await Promise.all(asked)).map((transitions) => transitions.length)).toEqual([1, 1, 1, 1]);
    await held;
    const path = statusEvents().map(({ data }) => data as { from: string; to: string });
    expect(path.map(({ to }) => to)).toEqual(['ONLINE', 'ERROR', 'OFFLINE', 'ONLINE', 'MAINTENANCE']);
    expect(path.slice(1).map(({ from }) => from)).toEqual(path.slice(0, -1).map(({ to }) => to));
  });

  test('a batch of 2,000 leaves turns for others', async () => {
    const rows = Array.from({ length: 1_000 }, () => ({ name: 'n', device_type: 'bulk' }));
    for (let part = 0; part < 2; part += 1) {
      await h.app.request({ method: 'POST', url: '/api/v1/devices/import', as: h.actors.ADMIN, body: rows });
    }
    const ids = Array.from({ length: 2_000 }, (_, index) => index + 1);
    let turns = 0;
    let done = false;
    const count = () => {
      turns += 1;
      if (!done) setImmediate(count);
    };
    setImmediate(count);
    const transitions = await h.api.applyStatuses(ids.map((id) => change(id, 'ONLINE')));
    done = true;
    expect(transitions.map(({ deviceId }) => deviceId)).toEqual(ids);
    expect(turns).toBeGreaterThan(20);
    expect(await h.api.markAllOffline(9_000)).toHaveLength(2_000);
    expect(await h.api.markAllOffline(9_000)).toEqual([]);
  });

  test('does what a simple reference does', { timeout: 60_000 }, async () => {
    const devices = [await h.device(), await h.device(), await h.device()];
    const sources = STATUS_SOURCES;
    const changes = fc.array(
      fc.record(
        {
          deviceId: fc.constantFrom(...devices.map(({ id }) => id as number), 999_999),
          status: fc.constantFrom(...DEVICE_STATUSES),
          at: fc.integer({ min: 1, max: 1_000 }),
          source: fc.constantFrom(...sources),
          firmwareVersion: fc.constantFrom('1', '2'),
          ipAddress: fc.constantFrom('::1', '10.0.0.1', ''),
        },
        { requiredKeys: ['deviceId', 'status', 'at', 'source'] },
      ),
      { maxLength: 12 },
    );
    // The reference lives as long as the store: what one run leaves behind is where the next begins.
    const reference = new Map(
      devices.map(({ id, device_uid }) => [
        id as number,
        {
          device_uid,
          measured: 'OFFLINE',
          held: false,
          seen: 0,
          firmware: null as string | null,
          ip: null as string | null,
          reported: null as string | null,
        },
      ]),
    );

    await fc.assert(
      fc.asyncProperty(changes, async (batch) => {
        const expected: Omit<StatusTransition, 'id'>[] = [];
        for (const { deviceId, status, at, source, firmwareVersion, ipAddress } of batch) {
          const device = reference.get(deviceId);
          if (device === undefined) continue;
          const shown = () => (device.held ? 'MAINTENANCE' : device.measured) as DeviceStatus;
          const from = shown();
          if (source === 'operator') device.held = status === 'MAINTENANCE';
          else {
            device.measured = status;
            if (source === 'connection' || source === 'message') device.seen = Math.max(device.seen, at);
            device.firmware = firmwareVersion ?? device.firmware;
            if (source === 'message') device.reported = ipAddress ?? device.reported;
            else device.ip = ipAddress ?? device.ip;
          }
          const to = shown();
          if (from !== to) expected.push({ deviceId, deviceUid: device.device_uid, from, to, at, source });
        }
        const outbox = createTransitionOutbox(h.sql);
        const announced = h.events.length;
        const transitions = await h.api.applyStatuses(batch);
        expect(transitions.map(withoutId)).toEqual(expected);
        expect(await outbox.unlogged(h.clock.now() + 1, 1_000)).toEqual(transitions);
        await outbox.logged(transitions.map(({ id }) => id));
        expect(await outbox.unlogged(h.clock.now() + 1, 1_000)).toEqual([]);
        expect(h.events.slice(announced).map(({ at }) => at)).toEqual(expected.map(({ at }) => at));
        for (const [id, device] of reference) {
          expect(await read(id)).toMatchObject({
            status: device.held ? 'MAINTENANCE' : device.measured,
            last_seen_at: device.seen === 0 ? null : iso(device.seen),
            firmware_version: device.firmware,
            // An empty one is none.
            ip_address: device.reported || device.ip,
          });
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe('touchLastSeen', () => {
  test('never moves backwards and leaves updated_at alone', async () => {
    const { id, updated_at } = await h.device();
    h.clock.advance(1_000);
    for (const [at, seen] of [
      [500, 500],
      [400, 500],
      [500, 500],
      [600, 600],
    ] as const) {
      await h.api.touchLastSeen(new Map([[id, at]]));
      expect(await read(id)).toMatchObject({ last_seen_at: iso(seen), updated_at });
    }
    await h.api.touchLastSeen(new Map());
    await h.api.touchLastSeen(new Map([[999_999, 1]]));
    await h.api.applyStatuses([change(id, 'ONLINE', { at: 100 })]);
    expect(await read(id)).toMatchObject({ last_seen_at: iso(600) });
  });
});

describe('markAllOffline', () => {
  test('turns ONLINE into OFFLINE, also behind MAINTENANCE, and leaves the rest', async () => {
    const [online, error, held] = [await h.device(), await h.device(), await h.device()];
    await h.api.applyStatuses([
      change(online.id, 'ONLINE'),
      change(error.id, 'ERROR'),
      change(held.id, 'ONLINE'),
      change(held.id, 'MAINTENANCE', { source: 'operator' }),
    ]);
    expect((await h.api.markAllOffline(9_000)).map(withoutId)).toEqual([
      { deviceId: online.id, deviceUid: online.device_uid, from: 'ONLINE', to: 'OFFLINE', at: 9_000, source: 'server' },
    ]);
    expect((await read(online.id)).last_seen_at).toBe(iso(1_000));
    expect((await read(error.id)).status).toBe('ERROR');
    expect((await read(held.id)).status).toBe('MAINTENANCE');
    await h.api.applyStatuses([change(held.id, 'ONLINE', { source: 'operator' })]);
    expect((await read(held.id)).status).toBe('OFFLINE');
  });
});
