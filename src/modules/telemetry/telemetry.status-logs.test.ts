import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createEventBus } from '#kernel/events.ts';
import { silentLogger } from '#kernel/logger.ts';
import { createDevicesHarness, type DevicesHarness } from '#test/support/devices.ts';
import { createTestStores, type TestStores } from '#test/support/stores.ts';
import { createTelemetryApi, sourceOf } from './telemetry.api.ts';
import type { DeviceLog } from './telemetry.ports.ts';
import { createStatusLogs, toStatusLog } from './telemetry.status-logs.ts';

let h: DevicesHarness;
let stores: TestStores;
let logs: ReturnType<typeof collectionOf>;
const collectionOf = (from: TestStores) =>
  from.documents.collection<DeviceLog>({ name: 'device_logs', indexes: [['device_id', 'timestamp']] });

beforeEach(async () => {
  h = await createDevicesHarness();
  stores = createTestStores(h.clock);
  logs = collectionOf(stores);
  await stores.start();
});
afterEach(async () => {
  await stores.close();
  await h.close();
});

const signal = () => AbortSignal.timeout(5_000);
const all = () => logs.list({ sort: { field: 'timestamp', direction: 'asc' }, limit: 100 });
const subject = (more: object = {}) =>
  createStatusLogs({ logs, devices: h.api, events: h.bus, clock: h.clock, logger: silentLogger, ...more });
const change = (deviceId: number, status: 'ONLINE' | 'OFFLINE') =>
  ({ deviceId, status, at: h.clock.now(), source: 'connection' }) as const;

test('what a process that died stored and did not log is logged at the next start, once', async () => {
  const { id } = await h.device();
  // Stored with the status; the process ended before its log was written, or after, but before it said so.
  const [lost] = await h.api.applyStatuses([change(id, 'ONLINE')]);
  const [written] = await h.api.applyStatuses([change(id, 'OFFLINE')]);
  await logs.insertMany([toStatusLog(written as never)]);

  for (let start = 0; start < 2; start += 1) {
    const statusLogs = subject({ events: createEventBus(silentLogger) });
    await statusLogs.start?.(signal());
    await statusLogs.stop?.(signal());
    expect((await all()).map((log) => log.id)).toEqual([lost?.id, written?.id]);
    expect(await h.api.unloggedTransitions(h.clock.now() + 1, 10)).toEqual([]);
  }
  expect((await all()).map(({ message }) => message)).toEqual(['OFFLINE → ONLINE', 'ONLINE → OFFLINE']);
});

test('what people and the server itself change is logged from the event', async () => {
  const { id } = await h.device();
  const statusLogs = subject();
  await statusLogs.start?.(signal());
  await h.app.request({
    method: 'PATCH',
    url: `/api/v1/devices/${id}`,
    as: h.actors.ADMIN,
    body: { status: 'MAINTENANCE' },
  });
  await vi.waitFor(async () => expect(await all()).toHaveLength(1));
  await statusLogs.stop?.(signal());
  expect(await all()).toMatchObject([{ source: 'server', payload: { from: 'OFFLINE', to: 'MAINTENANCE' } }]);
  expect(await h.api.unloggedTransitions(h.clock.now() + 1, 10)).toEqual([]);
});

test('a start does not wait for a store that is away, and what it owes stays noted', async () => {
  const { id } = await h.device();
  await h.api.applyStatuses([change(id, 'ONLINE')]);
  const away = { ...logs, insertMany: () => Promise.reject(new Error('away')) };
  const statusLogs = subject({ logs: away });
  await statusLogs.start?.(signal());
  await statusLogs.stop?.(signal());
  expect(await h.api.unloggedTransitions(h.clock.now() + 1, 10)).toHaveLength(1);
});

describe('a clock that was a day ahead and is put back', () => {
  const DAY_MS = 86_400_000;

  test('does not keep a start from logging what was noted meanwhile', async () => {
    const { id } = await h.device();
    const now = h.clock.now();
    h.clock.set(now + DAY_MS);
    const [lost] = await h.api.applyStatuses([change(id, 'ONLINE')]);
    h.clock.set(now);
    const statusLogs = subject({ events: createEventBus(silentLogger) });
    await statusLogs.start?.(signal());
    await statusLogs.stop?.(signal());
    expect((await all()).map((log) => log.id)).toEqual([lost?.id]);
  });

  test('holds nothing up while the server runs', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      const { id } = await h.device();
      const now = h.clock.now();
      h.clock.set(now + DAY_MS);
      const statusLogs = subject({ events: createEventBus(silentLogger) });
      await statusLogs.start?.(signal());
      const [ahead] = await h.api.applyStatuses([change(id, 'ONLINE')]);
      h.clock.set(now);
      const [since] = await h.api.applyStatuses([change(id, 'OFFLINE')]);
      h.clock.advance(60_001);
      vi.advanceTimersByTime(1_000);
      await vi.waitFor(async () => expect(await all()).toHaveLength(2));
      expect((await all()).map((log) => log.id).toSorted()).toEqual([ahead?.id, since?.id].toSorted());
      await statusLogs.stop?.(signal());
    } finally {
      vi.useRealTimers();
    }
  });
});

test('what a device says of its status in its own log is not what the server says', async () => {
  const { id } = await h.device();
  const [transition] = await h.api.applyStatuses([change(id, 'ONLINE')]);
  const real = toStatusLog(transition as never);
  const forged = (n: number, more: object = {}): DeviceLog => ({
    ...real,
    id: `forged-${n}`,
    timestamp: real.timestamp + n,
    ...more,
  });
  const asDevice = { source: 'device' } as const;
  await logs.insertMany([real, ...Array.from({ length: 1_200 }, (_, n) => forged(n, asDevice))]);
  const api = createTelemetryApi(logs);
  const end = real.timestamp + 10_000;
  expect(await api.statusChanges(id, { start: 0, end })).toMatchObject({ before: null, changes: [{ to: 'ONLINE' }] });
  // Its own is not buried under thousands.
  expect(await api.statusChanges(id, { start: end, end })).toMatchObject({ before: { at: real.timestamp } });
  expect([real, forged(1, asDevice)].map(sourceOf)).toEqual(['server', 'device']);
});

test('what was logged before sources were told apart still counts', async () => {
  const { id } = await h.device();
  const [transition] = await h.api.applyStatuses([change(id, 'ONLINE')]);
  const { source: _, ...old } = toStatusLog(transition as never);
  const { source: __, ...other } = { ...old, id: 'other', event_type: 'pump_started', payload: null, source: null };
  await logs.insertMany([old, other as DeviceLog]);
  const api = createTelemetryApi(logs);
  const range = { start: 0, end: old.timestamp + 1 };
  expect(await api.statusChanges(id, range)).toMatchObject({ changes: [{ from: 'OFFLINE', to: 'ONLINE' }] });
  expect(await api.statusChanges(id, { start: range.end, end: range.end })).toMatchObject({ before: { to: 'ONLINE' } });
  expect([old, other as DeviceLog].map(sourceOf)).toEqual(['server', 'device']);
});
