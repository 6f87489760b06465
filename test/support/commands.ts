import { createEventBus, type EventBus } from '#kernel/events.ts';
import { silentLogger } from '#kernel/logger.ts';
import { type CommandsModule, commandsMigrations, createCommandsModule } from '#modules/commands/index.ts';
import type { DeviceResponse } from '#modules/ingest/index.ts';
import { createMemoryCounters } from '#platform/cache/memory-counters.ts';
import type { SinkOutcome } from '#platform/channels/channel.port.ts';
import type { Realtime } from '#platform/realtime/realtime.port.ts';
import type { SqlStore } from '#platform/sql/sql.port.ts';
import { auditedDeviceStore } from './audit.ts';
import { createDevicesHarness, type DevicesHarness } from './devices.ts';
import { createFakeDownlink, type FakeDownlink } from './fake-downlink.ts';
import { createDeviceAuthenticator, createTestApp, type TestApp } from './http.ts';
import { createJobsHarness, type JobsHarness } from './jobs.ts';

/** One run of a process: what a kill ends. */
export interface CommandsRun {
  readonly bus: EventBus;
  readonly broker: FakeDownlink;
  readonly module: CommandsModule;
  readonly app: TestApp;
  /** The device answers. */
  answer(
    deviceId: number,
    answer: Readonly<{ command_id: string; status: string; [field: string]: unknown }>,
  ): Promise<SinkOutcome>;
  end(): Promise<void>;
  /** After its store was killed: it does nothing any more. */
  abandon(): void;
}

export interface StartOptions {
  readonly alone?: boolean;
  /** In the place of the store: one that can be killed. */
  readonly sql?: SqlStore;
}

/** Commands on a store in memory, with a broker whose devices the test plays. */
export interface CommandsHarness {
  readonly devices: DevicesHarness;
  readonly jobs: JobsHarness;
  run: CommandsRun;
  /** One more process on the same store. */
  start(options?: StartOptions): Promise<CommandsRun>;
  close(): Promise<void>;
}

const soon = () => AbortSignal.timeout(10_000);

export async function createCommandsHarness(): Promise<CommandsHarness> {
  const devices = await createDevicesHarness('owned', undefined, undefined, commandsMigrations);
  const { clock } = devices;
  const jobs = createJobsHarness(clock);
  const runs = new Set<CommandsRun>();

  async function start({ alone = true, sql = devices.sql }: StartOptions = {}): Promise<CommandsRun> {
    const bus = createEventBus(silentLogger);
    const broker = createFakeDownlink({ events: bus, clock });
    const module = createCommandsModule({
      persistence: auditedDeviceStore(sql, clock),
      devices: devices.api,
      downlink: broker.port,
      realtime: silentRealtime,
      counters: createMemoryCounters({ clock }),
      jobs: jobs.jobs,
      events: bus,
      runtime: { clock, logger: silentLogger },
      options: { alone, retentionMs: 86_400_000, writeLimit: null },
    });
    const authenticator = createDeviceAuthenticator(devices.api);
    const app = await createTestApp({ routes: module.routes, clock, authenticator });
    for (const component of module.components) await component.start?.(soon());
    const run: CommandsRun = {
      ...{ bus, broker, module, app },
      async answer(deviceId, answer) {
        const [sink] = module.sinks;
        const outcomes = await sink?.apply([{ deviceId, receivedAt: clock.now(), ...answer } as DeviceResponse]);
        return outcomes?.[0] as SinkOutcome;
      },
      async end() {
        runs.delete(run);
        for (const connectionId of broker.connections()) broker.disconnect(connectionId);
        await app.close();
        for (const component of module.components.toReversed()) await component.stop?.(soon());
        module.listens?.end();
      },
      abandon() {
        runs.delete(run);
        module.listens?.end();
      },
    };
    runs.add(run);
    return run;
  }

  const run = await start();
  jobs.define(run.module.jobs);
  await jobs.start();
  return {
    devices,
    jobs,
    run,
    start,
    async close() {
      for (const each of [...runs]) await each.end();
      await jobs.stop();
      await devices.close();
    },
  };
}

const silentRealtime: Realtime = {
  name: 'realtime',
  namespace: () => ({ emit: () => {}, hasListeners: () => false, evict: async () => {} }),
  disconnectUser: () => {},
  recheckUser: async () => {},
  recheck: async () => {},
  connectionCount: () => 0,
};
