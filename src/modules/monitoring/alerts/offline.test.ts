import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createMonitoringWorld, iso, type MonitoringProcess, type MonitoringWorld } from '#test/support/monitoring.ts';

let world: MonitoringWorld;
beforeAll(async () => {
  world = await createMonitoringWorld();
});
afterAll(() => world.close());

describe('offline', () => {
  const offline = (device: { readonly id: number }, fields: object = {}) => ({
    ...{ metric: undefined, condition: 'offline', scope: { device_id: device.id }, ...fields },
  });
  const becomes = (here: MonitoringProcess, deviceId: number, status: 'ONLINE' | 'OFFLINE') =>
    here.devices.api.applyStatuses([{ deviceId, status, at: world.clock.now(), source: 'connection' }]);
  /** Ticks in between, as in a process that runs. */
  async function pass(here: MonitoringProcess, seconds: number): Promise<void> {
    for (let passed = 0; passed < seconds; passed += 5) {
      world.clock.advance(5_000);
      await here.tick();
    }
  }
  async function running(): Promise<MonitoringProcess> {
    const here = await world.open();
    await here.tick();
    await pass(here, 60);
    return here;
  }

  test('is judged on the status, needs no metric, and is cleared when the device is back', async () => {
    const here = await running();
    const device = await here.device();
    await becomes(here, device.id, 'ONLINE');
    const rule = await here.rule(offline(device));
    expect(rule).toMatchObject({ metric: null, threshold: null });
    await here.judge();
    expect(await here.alerts({ device_id: device.id })).toEqual([]);
    const left = world.clock.now();
    await becomes(here, device.id, 'OFFLINE');
    await here.judge();
    expect(await here.alerts({ device_id: device.id })).toMatchObject([
      { status: 'ACTIVE', value: null, started_at: iso(left), message: 'the device is OFFLINE' },
    ]);
    await pass(here, 30);
    await becomes(here, device.id, 'ONLINE');
    await here.judge();
    expect(await here.alerts({ device_id: device.id })).toMatchObject([
      { status: 'CLEARED', occurrences: 1, cleared_at: iso(world.clock.now()) },
    ]);
  });

  test('for a time, by the clock, with or without a restart in between', async () => {
    let here = await running();
    const device = await here.device();
    await becomes(here, device.id, 'ONLINE');
    await here.rule(offline(device, { for_seconds: 90, clear_for_seconds: 20 }));
    const left = world.clock.now();
    await becomes(here, device.id, 'OFFLINE');
    await here.judge();
    await pass(here, 20);
    here = await running();
    expect(await here.alerts({ device_id: device.id })).toEqual([]);
    await pass(here, 20);
    expect(await here.alerts({ device_id: device.id })).toMatchObject([{ started_at: iso(left + 90_000) }]);
    const back = world.clock.now();
    await becomes(here, device.id, 'ONLINE');
    await pass(here, 15);
    expect(await here.alerts({ device_id: device.id })).toMatchObject([{ status: 'ACTIVE' }]);
    await pass(here, 10);
    expect(await here.alerts({ device_id: device.id })).toMatchObject([{ cleared_at: iso(back + 20_000) }]);
  });

  test('gives devices a minute after a start, and then finds who is not back', async () => {
    const first = await running();
    const [back, gone] = [await first.device(), await first.device()];
    for (const device of [back, gone]) {
      await becomes(first, device.id, 'ONLINE');
      await first.rule(offline(device));
    }
    await first.judge();
    const second = await world.open();
    await second.devices.api.markAllOffline(world.clock.now());
    await second.tick();
    await pass(second, 30);
    await becomes(second, back.id, 'ONLINE');
    await pass(second, 40);
    expect(await second.alerts({ device_id: back.id })).toEqual([]);
    expect(await second.alerts({ device_id: gone.id })).toMatchObject([{ status: 'ACTIVE' }]);
  });
});
