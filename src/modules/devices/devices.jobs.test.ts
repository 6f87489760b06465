import { afterEach, beforeEach, expect, test } from 'vitest';
import { createDevicesHarness, type DevicesHarness } from '#test/support/devices.ts';
import { recordEvents } from '#test/support/events.ts';
import { createJobsHarness, type JobsHarness } from '#test/support/jobs.ts';
import type { StatusChange } from './index.ts';

const MINUTE = 60_000;

let h: DevicesHarness;
let queue: JobsHarness;
beforeEach(async () => {
  h = await createDevicesHarness();
  queue = createJobsHarness(h.clock);
  queue.define(h.jobs);
  await queue.start();
});
afterEach(async () => {
  await queue.stop();
  await h.close();
});

const statusOf = async (id: number) =>
  (await h.app.request({ url: `/api/v1/devices/${id}`, as: h.actors.ADMIN })).json().status;
const seen = (deviceId: number, status: StatusChange['status'], at = h.clock.now()) =>
  h.api.applyStatuses([{ deviceId, status, at, source: 'connection' }]);

test('a device that was not heard of for ten minutes is OFFLINE within five more', async () => {
  const silent = recordEvents(h.bus, 'device.went_silent');
  const [online, broken, talking, offline, gone] = await Promise.all([1, 2, 3, 4, 5].map(() => h.device()));
  await seen(online.id, 'ONLINE');
  await seen(broken.id, 'ERROR');
  await seen(talking.id, 'ONLINE');
  await seen(gone.id, 'ONLINE');
  await h.app.request({ method: 'DELETE', url: `/api/v1/devices/${gone.id}`, as: h.actors.ADMIN });
  h.clock.advance(10 * MINUTE);
  await h.api.touchLastSeen(new Map([[talking.id, h.clock.now()]]));
  await queue.runUntilIdle();
  // Ten minutes to the millisecond is not longer than ten minutes.
  expect(await statusOf(online.id)).toBe('ONLINE');
  h.clock.advance(5 * MINUTE);
  await queue.runUntilIdle();
  expect(await Promise.all([online, broken, talking, offline].map(({ id }) => statusOf(id)))).toEqual([
    'OFFLINE',
    'OFFLINE',
    'ONLINE',
    'OFFLINE',
  ]);
  expect(silent.map(({ data }) => (data as { device_id: number }).device_id)).toEqual([online.id, broken.id]);
  expect((await queue.all('check_device_health')).map(({ result }) => result)).toEqual(
    expect.arrayContaining([{ offline: 0 }, { offline: 2 }]),
  );
  h.clock.advance(5 * MINUTE);
  await queue.runUntilIdle();
  expect(await statusOf(talking.id)).toBe('ONLINE');
  expect(silent).toHaveLength(2);
});

test('one that is held in MAINTENANCE stays there, and is OFFLINE when it is let go', async () => {
  const { id } = await h.device();
  await seen(id, 'ONLINE');
  const patch = (status: string) =>
    h.app.request({ method: 'PATCH', url: `/api/v1/devices/${id}`, as: h.actors.ADMIN, body: { status } });
  await patch('MAINTENANCE');
  h.clock.advance(15 * MINUTE);
  await queue.runUntilIdle();
  expect(await statusOf(id)).toBe('MAINTENANCE');
  await patch('ONLINE');
  expect(await statusOf(id)).toBe('OFFLINE');
});

test('a device that was heard of while the clock was a day ahead is not for ever last seen tomorrow', async () => {
  const { id } = await h.device();
  h.clock.set(h.clock.now() + 1_440 * MINUTE);
  await seen(id, 'ONLINE');
  h.clock.set(h.clock.now() - 1_440 * MINUTE);
  h.clock.advance(5 * MINUTE);
  await queue.runUntilIdle();
  const device = (await h.app.request({ url: `/api/v1/devices/${id}`, as: h.actors.ADMIN })).json();
  expect(device).toMatchObject({ status: 'ONLINE', last_seen_at: new Date(h.clock.now()).toISOString() });
  h.clock.advance(15 * MINUTE);
  await queue.runUntilIdle();
  expect(await statusOf(id)).toBe('OFFLINE');
});

test('a device may say for how long it is silent at most; null takes that back', async () => {
  const [quick, patient, usual] = await Promise.all([
    h.device({ inactivity_seconds: 60 }),
    h.device({ inactivity_seconds: 3_600 }),
    h.device(),
  ]);
  for (const { id } of [quick, patient, usual]) await seen(id, 'ONLINE');
  const statuses = () => Promise.all([quick, patient, usual].map(({ id }) => statusOf(id)));
  h.clock.advance(5 * MINUTE);
  await queue.runUntilIdle();
  expect(await statuses()).toEqual(['OFFLINE', 'ONLINE', 'ONLINE']);
  h.clock.advance(10 * MINUTE);
  await queue.runUntilIdle();
  expect(await statuses()).toEqual(['OFFLINE', 'ONLINE', 'OFFLINE']);
  const patched = await h.app.request({
    method: 'PATCH',
    url: `/api/v1/devices/${patient.id}`,
    as: h.actors.ADMIN,
    body: { inactivity_seconds: null },
  });
  expect(patched.json()).toMatchObject({ inactivity_seconds: null });
  h.clock.advance(5 * MINUTE);
  await queue.runUntilIdle();
  expect(await statuses()).toEqual(['OFFLINE', 'OFFLINE', 'OFFLINE']);
});

test('silence in which nobody listened says nothing', async () => {
  const { id } = await h.device();
  await seen(id, 'ONLINE');
  // The server was away for an hour, and runs again since now.
  h.clock.advance(60 * MINUTE);
  h.listeningSince = h.clock.now();
  await queue.runUntilIdle();
  h.clock.advance(9 * MINUTE);
  await queue.runUntilIdle();
  expect(await statusOf(id)).toBe('ONLINE');
  h.clock.advance(6 * MINUTE);
  await queue.runUntilIdle();
  expect(await statusOf(id)).toBe('OFFLINE');
});
