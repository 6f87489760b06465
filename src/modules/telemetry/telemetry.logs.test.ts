import { afterEach, beforeEach, expect, test } from 'vitest';
import type { StatusTransition } from '#modules/devices/index.ts';
import { createTestClock } from '#test/support/clock.ts';
import { createTestStores, type TestStores } from '#test/support/stores.ts';
import { createDeviceLogs, type DeviceLogs, sourceOf, toStatusLog } from './telemetry.logs.ts';
import type { DeviceLog } from './telemetry.ports.ts';

let stores: TestStores;
let api: DeviceLogs;
let logs: DeviceLogs['collection'];
const clock = createTestClock();
const id = 7;
const transition: StatusTransition = {
  id: 'transition',
  deviceId: id,
  deviceUid: 'seven',
  from: 'OFFLINE',
  to: 'ONLINE',
  at: clock.now(),
  source: 'connection',
};

beforeEach(async () => {
  stores = createTestStores(clock);
  api = createDeviceLogs(stores.documents);
  logs = api.collection;
  await stores.start();
});
afterEach(() => stores.close());

test('a transition is logged under its id: what is logged already is left as it is', async () => {
  await api.append([transition]);
  await api.append([{ ...transition, to: 'ERROR' }]);
  const all = await logs.list({ sort: { field: 'timestamp', direction: 'asc' }, limit: 100 });
  expect(all).toMatchObject([{ id: 'transition', source: 'server', message: 'OFFLINE → ONLINE' }]);
});

test('what a device says of its status in its own log is not what the server says', async () => {
  const real = toStatusLog(transition);
  const forged = (n: number, more: object = {}): DeviceLog => ({
    ...real,
    id: `forged-${n}`,
    timestamp: real.timestamp + n,
    ...more,
  });
  const asDevice = { source: 'device' } as const;
  await logs.insertMany([real, ...Array.from({ length: 1_200 }, (_, n) => forged(n, asDevice))]);
  const end = real.timestamp + 10_000;
  expect(await api.statusChanges(id, { start: 0, end })).toMatchObject({ before: null, changes: [{ to: 'ONLINE' }] });
  // Its own is not buried under thousands.
  expect(await api.statusChanges(id, { start: end, end })).toMatchObject({ before: { at: real.timestamp } });
  expect([real, forged(1, asDevice)].map(sourceOf)).toEqual(['server', 'device']);
});

test('what was logged before sources were told apart still counts', async () => {
  const { source: _, ...old } = toStatusLog(transition);
  const { source: __, ...other } = { ...old, id: 'other', event_type: 'pump_started', payload: null, source: null };
  await logs.insertMany([old, other as DeviceLog]);
  const range = { start: 0, end: old.timestamp + 1 };
  expect(await api.statusChanges(id, range)).toMatchObject({ changes: [{ from: 'OFFLINE', to: 'ONLINE' }] });
  expect(await api.statusChanges(id, { start: range.end, end: range.end })).toMatchObject({ before: { to: 'ONLINE' } });
  expect([old, other as DeviceLog].map(sourceOf)).toEqual(['server', 'device']);
});
