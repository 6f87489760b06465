import { silentLogger } from '#kernel/logger.ts';
import { type CampaignsModule, campaignsMigrations, createCampaignsModule } from '#modules/campaigns/index.ts';
import { STATUS_CHANNEL, type StatusItem } from '#modules/devices/index.ts';
import type { Firmware } from '#modules/firmware/index.ts';
import { type DeviceResponse, RESPONSE_CHANNEL } from '#modules/ingest/index.ts';
import type { TelemetryApi } from '#modules/telemetry/index.ts';
import type { Sink } from '#platform/channels/channel.port.ts';
import type { SqlStore } from '#platform/sql/sql.port.ts';
import { auditedDeviceStore } from './audit.ts';
import { createDevicesHarness, type DevicesHarness } from './devices.ts';
import { createFakeDownlink, type FakeDownlink } from './fake-downlink.ts';
import { createDeviceAuthenticator, createTestApp, type TestApp } from './http.ts';
import { createJobsHarness, type JobsHarness } from './jobs.ts';

/** Campaigns on a store in memory, with a broker whose devices the test plays, and one image. */
export interface CampaignsHarness {
  readonly devices: DevicesHarness;
  readonly jobs: JobsHarness;
  readonly broker: FakeDownlink;
  app: TestApp;
  module: CampaignsModule;
  /** For which devices the image is. */
  imageType: string;
  /** Alerts that each device had, by its id. */
  readonly alerts: Map<number, number>;
  /** The process ends and another one begins on the same store. */
  restart(sql?: SqlStore): Promise<void>;
  /** The device answers an offer. @returns what became of it */
  answer(deviceId: number, answer: Readonly<Record<string, unknown>>): Promise<string>;
  /** The device says which firmware it runs. */
  report(deviceId: number, firmware_version: string): Promise<void>;
  drive(campaignId: number): Promise<void>;
  close(): Promise<void>;
}

const IMAGE_BYTES = 'abc';

export const IMAGE: Firmware = {
  id: 1,
  deviceType: 'pump',
  version: '2.0.0',
  sequence: 2,
  size: 3,
  sha256: 'a'.repeat(64),
  sha1: 'b'.repeat(40),
  md5: 'c'.repeat(32),
  notes: null,
  signature: `${'A'.repeat(86)}==`,
  keyId: '0'.repeat(16),
  notAfter: null,
  blobId: 'x',
  createdBy: null,
  createdAt: 0,
};

/** @param telemetry what devices measured; none is given: nothing */
export async function createCampaignsHarness(
  telemetry: TelemetryApi['summaries'] = async () => [],
): Promise<CampaignsHarness> {
  const devices = await createDevicesHarness('owned', undefined, undefined, campaignsMigrations);
  const { clock, bus } = devices;
  const jobs = createJobsHarness(clock);
  const broker = createFakeDownlink({ events: bus, clock, channel: 'ota' });
  const alerts = new Map<number, number>();

  const imageOf = (id: number) => (id === IMAGE.id ? { ...IMAGE, deviceType: h.imageType } : null);

  function start(sql: SqlStore): CampaignsModule {
    return createCampaignsModule({
      persistence: auditedDeviceStore(sql, clock),
      modules: {
        devices: devices.api,
        firmware: {
          find: async (id) => imageOf(id),
          findIn: async (_transaction, id) => imageOf(id),
          async *read(_image, range) {
            yield Buffer.from(IMAGE_BYTES).subarray(range?.start ?? 0, (range?.end ?? IMAGE_BYTES.length) + 1);
          },
        },
        monitoring: {
          countRaised: async (ids) => ids.reduce((sum, id) => sum + (alerts.get(id) ?? 0), 0),
        },
        telemetry: { summaries: telemetry },
      },
      downlink: broker.port,
      jobs: jobs.jobs,
      events: bus,
      runtime: { clock, logger: silentLogger },
      publicUrl: () => 'http://iot.example',
    });
  }

  const authenticator = createDeviceAuthenticator(devices.api);
  const module = start(devices.sql);
  jobs.define(module.jobs);
  await jobs.start();
  const h: CampaignsHarness = {
    ...{ devices, jobs, broker, alerts, module, imageType: IMAGE.deviceType },
    app: await createTestApp({ routes: module.routes, clock, authenticator }),
    async restart(sql = devices.sql) {
      h.module.listens?.end();
      h.module = start(sql);
      h.app = await createTestApp({ routes: h.module.routes, clock, authenticator });
    },
    async answer(deviceId, payload) {
      const context = { deviceId, receivedAt: clock.now(), maxAgeMs: 1, nextId: () => 'x' };
      const item = RESPONSE_CHANNEL.parse(payload, context);
      if (typeof item === 'string') return item;
      const sink = h.module.sinks.find(({ channel }) => channel.name === 'response') as Sink<DeviceResponse>;
      return (await sink.apply([item]))?.[0] ?? 'stored';
    },
    async report(deviceId, firmware_version) {
      const context = { deviceId, receivedAt: clock.now(), maxAgeMs: 1, nextId: () => 'x' };
      const item = STATUS_CHANNEL.parse({ status: 'ONLINE', firmware_version }, context) as StatusItem;
      const sink = h.module.sinks.find(({ channel }) => channel.name === 'status') as Sink<StatusItem>;
      await devices.api.applyStatuses([
        { deviceId, at: clock.now(), source: 'message', status: 'ONLINE', firmwareVersion: firmware_version },
      ]);
      await sink.apply([item]);
    },
    async drive(campaignId) {
      await h.module.inner.driver.drive(campaignId, AbortSignal.timeout(60_000));
      await h.module.inner.idle();
    },
    async close() {
      for (const component of h.module.components) await component.stop?.(AbortSignal.timeout(5_000));
      h.module.listens?.end();
      await jobs.stop();
      await devices.close();
    },
  };
  return h;
}
