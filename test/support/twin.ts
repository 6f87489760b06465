import type { EventBus } from '#kernel/events.ts';
import { silentLogger } from '#kernel/logger.ts';
import { STATUS_CHANNEL, type StatusItem } from '#modules/devices/index.ts';
import { createTwinModule, type TwinModule, twinMigrations } from '#modules/twin/index.ts';
import { createAuditTrail } from '#platform/audit/audit.ts';
import type { TestClock } from './clock.ts';
import { createDevicesHarness, type DevicesHarness } from './devices.ts';
import { createFakeDownlink, type FakeDownlink } from './fake-downlink.ts';
import { createTestApp, type TestApp } from './http.ts';
import { createJobsHarness, type JobsHarness } from './jobs.ts';

export interface Counted {
  readonly name: string;
  readonly value: number;
  readonly labels: Readonly<Record<string, string>>;
}

/** Configurations on a store in memory, with a broker whose devices the test plays. */
export interface TwinHarness {
  readonly devices: DevicesHarness;
  readonly jobs: JobsHarness;
  readonly clock: TestClock;
  readonly broker: FakeDownlink;
  readonly bus: EventBus;
  readonly module: TwinModule;
  readonly app: TestApp;
  /** What was added to counters, in order. */
  readonly counted: readonly Counted[];
  /** What the source of retained messages says that the device has to have. */
  payloadOf(deviceUid: string): Promise<{ readonly version: number; readonly config: object } | null>;
  /** All that the source says. */
  all(): Promise<ReadonlyMap<string, string>>;
  /** The device says this on `status`. @returns what became of it, by the channel or by the sink */
  report(deviceId: number, payload: object): Promise<string>;
  /** What is stored under a uid. */
  rowsOf(deviceUid: string): Promise<{ readonly configs: readonly object[]; readonly versions: readonly object[] }>;
  close(): Promise<void>;
}

export async function createTwinHarness(): Promise<TwinHarness> {
  const devices = await createDevicesHarness('owned', undefined, undefined, twinMigrations);
  const { sql, clock, bus } = devices;
  const jobs = createJobsHarness(clock);
  const broker = createFakeDownlink({ events: bus, clock });
  const counted: Counted[] = [];
  let source: Parameters<FakeDownlink['port']['supply']>[1] | undefined;
  const module = createTwinModule({
    persistence: { sql, audit: createAuditTrail({ sql, clock }) },
    devices: devices.api,
    downlink: {
      ...broker.port,
      supply: (_channel, given) => {
        source = given;
      },
    },
    jobs: jobs.jobs,
    events: bus,
    metrics: { counter: (name) => ({ add: (value = 1, labels = {}) => counted.push({ name, value, labels }) }) },
    runtime: { clock, logger: silentLogger },
  });
  const app = await createTestApp({ routes: module.routes, clock });
  jobs.define(module.jobs);
  await jobs.start();
  return {
    ...{ devices, jobs, clock, broker, bus, module, app, counted },
    async payloadOf(deviceUid) {
      const payload = await source?.payloadOf(deviceUid);
      return payload === null || payload === undefined ? null : JSON.parse(payload);
    },
    async all() {
      const found = new Map<string, string>();
      for await (const { deviceUid, payload } of source?.all() ?? []) found.set(deviceUid, payload);
      return found;
    },
    async report(deviceId, payload) {
      const context = { deviceId, receivedAt: clock.now(), maxAgeMs: 1, nextId: () => 'x' };
      const item = STATUS_CHANNEL.parse(payload, context);
      if (typeof item === 'string') return item;
      const outcomes = await module.sinks[0]?.apply([item satisfies StatusItem]);
      return outcomes?.[0] ?? 'stored';
    },
    async rowsOf(deviceUid) {
      const rows = (table: 'device_configs' | 'device_config_versions') =>
        sql
          .db<Record<string, { device_uid: string }>>()
          .selectFrom(table)
          .selectAll()
          .where('device_uid', '=', deviceUid);
      return {
        configs: await rows('device_configs').execute(),
        versions: await rows('device_config_versions').execute(),
      };
    },
    async close() {
      await app.close();
      for (const component of module.components) await component.stop?.(AbortSignal.timeout(5_000));
      await jobs.stop();
      await devices.close();
    },
  };
}
