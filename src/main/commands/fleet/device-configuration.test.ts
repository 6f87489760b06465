import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createTestDevice } from '#test/support/device-parts.ts';
import { createDeviceConfiguration } from './device-configuration.ts';

describe('a simulated device and its configuration', () => {
  test('applies a version and reports it, again when it comes again', async () => {
    const { parts, said, events } = createTestDevice();
    const configuration = createDeviceConfiguration(parts);
    const report = { channel: 'status', message: { config_version: 3, config: { interval_seconds: 5, zone: 'a' } } };
    expect(configuration.intervalMs()).toBeNull();
    await configuration.receive({ version: 3, config: { interval_seconds: 5, zone: 'a' } });
    await configuration.receive({ version: 3, config: { interval_seconds: 5, zone: 'a' } });
    expect(said).toEqual([report, report]);
    expect(events).toHaveLength(1);
    expect(configuration.intervalMs()).toBe(5_000);
  });

  test('refuses an interval that is none, and keeps what it has', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.string(), fc.constantFrom(0, -1, 86_401, null, true), fc.object()),
        async (interval_seconds) => {
          const { parts, said } = createTestDevice();
          const configuration = createDeviceConfiguration(parts);
          await configuration.receive({ version: 1, config: { interval_seconds: 9 } });
          await configuration.receive({ version: 2, config: { interval_seconds } });
          expect(said.at(-1)?.message).toEqual({
            config_version: 2,
            config: { interval_seconds: 9 },
            config_error: 'interval_seconds is a number above 0, at most 86400',
          });
          expect(configuration.intervalMs()).toBe(9_000);
        },
      ),
    );
  });

  test('refuses a version when it was told to, without an effect', async () => {
    const { parts, said } = createTestDevice({ mishaps: ['config_refused'] });
    const configuration = createDeviceConfiguration(parts);
    await configuration.receive({ version: 1, config: { interval_seconds: 9 } });
    expect(said.at(-1)?.message).toEqual({
      config_version: 1,
      config: {},
      config_error: 'version 1 cannot be applied here',
    });
    expect(configuration.intervalMs()).toBeNull();
  });

  test('decides a field itself when it was told to, and names it as a JSON pointer', async () => {
    const { parts, said } = createTestDevice({ mishaps: ['config_overridden'] });
    await createDeviceConfiguration(parts).receive({ version: 1, config: { 'b/c~d': 2, e: true } });
    expect(said.at(-1)?.message).toEqual({
      config_version: 1,
      config: { 'b/c~d': 4, e: true },
      config_overrides: ['/b~1c~0d'],
    });
  });

  test('reports nothing of itself when there is nothing to override', async () => {
    const { parts, said } = createTestDevice({ mishaps: ['config_overridden'] });
    await createDeviceConfiguration(parts).receive({ version: 1, config: {} });
    expect(said.at(-1)?.message).toEqual({ config_version: 1, config: {} });
  });

  test('keeps its configuration through a restart', async () => {
    const device = createTestDevice();
    await createDeviceConfiguration(device.parts).receive({ version: 1, config: { interval_seconds: 7 } });
    expect(createDeviceConfiguration(device.startAgain().parts).intervalMs()).toBe(7_000);
  });
});
