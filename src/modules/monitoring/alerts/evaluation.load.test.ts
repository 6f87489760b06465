import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { createMonitoringWorld, hot, iso, type MonitoringWorld } from '#test/support/monitoring.ts';

/* What judging costs, and what it may keep. */

let world: MonitoringWorld;
beforeAll(async () => {
  world = await createMonitoringWorld();
});
afterEach(() => vi.restoreAllMocks());
afterAll(() => world.close());

test('a rule whose metric never comes, or seldom, has no history read again and again', async () => {
  const here = await world.open({ alone: false });
  const device = await here.device();
  await here.rule(hot(device));
  await here.rule(hot(device, { metric: 'never' }));
  await here.rule(hot(device, { metric: 'seldom' }));
  const start = world.clock.now() + 1;
  await here.send(device.id, [start, { seldom: 1 }]);
  await here.judge();
  const history = vi.spyOn(world.telemetry, 'history');
  for (let round = 1; round <= 5; round += 1) {
    await here.send(device.id, [start + round, { temperature: 20 }]);
    await here.judge();
  }
  expect(history.mock.calls.map(([{ start: from, metrics }]) => [from, metrics])).toEqual(
    [0, 1, 2, 3, 4].map((round) => [round === 0 ? expect.any(Number) : start + round + 1, ['temperature']]),
  );
  history.mockRestore();
  await here.send(device.id, [start + 6, { seldom: 31 }]);
  await here.judge();
  expect(await here.alerts({ device_id: device.id })).toMatchObject([{ value: 31, started_at: iso(start + 6) }]);
});

test('a changed rule for one device makes no other device be looked up again', async () => {
  const here = await world.open();
  const device = await here.device();
  const other = await here.device();
  await here.rule(hot(other, { scope: { all: true }, metric: 'wide' }));
  const rule = await here.rule(hot(device));
  const hear = async (value: number) => {
    for (const { id } of [device, other]) await here.send(id, [world.clock.now(), { wide: 1, temperature: value }]);
    await here.judge();
  };
  await hear(1);
  const describe = vi.spyOn(here.devices.api, 'describe');
  const url = `/api/v1/monitoring/alert-rules/${rule.id}`;
  await here.app.request({ method: 'PATCH', url, as: world.actors.ADMIN, body: { threshold: 20 } });
  world.clock.advance(1);
  await hear(25);
  expect(describe.mock.calls).toEqual([[[device.id]]]);
  expect(await here.alerts({ device_id: device.id })).toMatchObject([{ status: 'ACTIVE', threshold: 20 }]);
  // From one device to every device: now all have to be.
  await here.app.request({ method: 'PATCH', url, as: world.actors.ADMIN, body: { scope: { all: true } } });
  world.clock.advance(1);
  await hear(26);
  expect(await here.alerts({ device_id: other.id })).toMatchObject([{ value: 26 }]);
  await here.app.request({ method: 'DELETE', url, as: world.actors.ADMIN });
});

test('what waits is bounded for all devices together; the rest is read back', async () => {
  const here = await world.open({ maxKept: 30 });
  const devices = [await here.device(), await here.device(), await here.device()];
  for (const device of devices) await here.rule(hot(device));
  const start = world.clock.now() + 1;
  for (let index = 0; index < 20; index += 1) {
    for (const { id } of devices) await here.send(id, [start + index, { temperature: index === 7 ? 31 : 20 }]);
    expect(here.monitoring.inner.evaluation.kept()).toBeLessThanOrEqual(30);
  }
  await here.judge();
  expect(here.monitoring.inner.evaluation.kept()).toBe(0);
  for (const { id } of devices) {
    expect(await here.alerts({ device_id: id })).toMatchObject([{ value: 31, started_at: iso(start + 7) }]);
  }
});
