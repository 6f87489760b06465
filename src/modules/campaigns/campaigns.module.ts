import type { Clock } from '#kernel/clock.ts';
import { createBackground } from '#kernel/concurrency.ts';
import type { EventBus } from '#kernel/events.ts';
import type { Logger } from '#kernel/logger.ts';
import type { DevicesApi } from '#modules/devices/index.ts';
import type { FirmwareApi, FirmwareUsage } from '#modules/firmware/index.ts';
import type { MonitoringApi } from '#modules/monitoring/index.ts';
import type { TelemetryApi } from '#modules/telemetry/index.ts';
import type { AuditTrail, DeviceRefusals } from '#platform/audit/audit.port.ts';
import type { JobQueue } from '#platform/jobs/jobs.port.ts';
import type { ModuleWith } from '#platform/module/module.port.ts';
import { isSentHere, type MqttDownlink } from '#platform/mqtt/downlink.port.ts';
import type { SqlStore } from '#platform/sql/sql.port.ts';
import { type CampaignDriver, createCampaignDriver } from './campaigns.driver.ts';
import { createCampaignFigures } from './campaigns.figures.ts';
import { createCampaignsJobs } from './campaigns.jobs.ts';
import { createCampaignOffers, type OfferedDevice } from './campaigns.offers.ts';
import { ACTIVE_STATES } from './campaigns.ports.ts';
import { createCampaignStore } from './campaigns.repository.ts';
import { createCampaignsRoutes, createOtaRoutes } from './campaigns.routes.ts';
import { DEVICE_STATES } from './campaigns.rules.ts';
import { createCampaignsService } from './campaigns.service.ts';
import { cancelDeleted, createFirmwareVersionSink, createOtaResponseSink } from './campaigns.sinks.ts';
import { createUsage } from './campaigns.usage.repository.ts';
import { createDdiRoutes } from './ddi/ddi.routes.ts';
import { createDdiService } from './ddi/ddi.service.ts';

export interface CampaignsModuleDeps {
  readonly persistence: { readonly sql: SqlStore; readonly audit: AuditTrail; readonly refusals: DeviceRefusals };
  readonly modules: {
    readonly devices: DevicesApi;
    readonly firmware: FirmwareApi;
    readonly monitoring: Pick<MonitoringApi, 'countRaised'>;
    readonly telemetry: Pick<TelemetryApi, 'summaries'>;
  };
  readonly downlink: MqttDownlink;
  readonly jobs: JobQueue;
  readonly events: EventBus;
  readonly runtime: { readonly clock: Clock; readonly logger: Logger };
  /** Where devices reach the server, without a slash at the end. */
  readonly publicUrl: () => string;
}

export interface CampaignsModule extends ModuleWith<'routes' | 'sinks' | 'jobs' | 'components' | 'gauges'> {
  /** For tests, which do not wait for timers. */
  readonly inner: { readonly driver: CampaignDriver; idle(): Promise<void> };
}

/** For the firmware that is rolled out, which is made before. */
export const createCampaignUsage = (sql: SqlStore): FirmwareUsage => createUsage(sql);

/** After a device has said something, until its campaign is looked at: others may say something too. */
const WAKE_MS = 250;

/** Rolls firmware out. */
export function createCampaignsModule(deps: CampaignsModuleDeps): CampaignsModule {
  const { persistence, modules, downlink, jobs, runtime, publicUrl } = deps;
  const { devices, firmware, monitoring, telemetry } = modules;
  const { clock, logger } = runtime;
  const events = deps.events.scope();
  const store = createCampaignStore(persistence.sql, persistence.audit, firmware);
  const offers = createCampaignOffers({ store, firmware, downlink, publicUrl, clock, logger });
  const offerDue = ({ deviceId, deviceUid }: OfferedDevice) =>
    events.emit('campaign.offer_due', clock.now(), { device_id: deviceId, device_uid: deviceUid });
  const figures = createCampaignFigures({ store, monitoring, telemetry, clock });
  const driver = createCampaignDriver({ store, devices, firmware, figures, clock, offerDue });
  const campaigns = createCampaignsService({ store, devices, jobs, clock });

  const stopping = new AbortController();
  const woken = new Map<number, NodeJS.Timeout>();
  const driving = createBackground();
  const wake = (campaignIds: ReadonlySet<number>) => {
    for (const id of campaignIds) {
      if (woken.has(id) || stopping.signal.aborted) continue;
      const timer = setTimeout(() => {
        woken.delete(id);
        const run = driver
          .drive(id, stopping.signal)
          .catch((error: unknown) => logger.warn({ err: error, campaign: id }, 'a campaign waits for its job'));
        void driving.add(run);
      }, WAKE_MS);
      woken.set(id, timer.unref());
    }
  };

  const ddi = createDdiService({ store, firmware, devices, clock, changed: wake });

  events.on('campaign.offer_due', async ({ data, origin }) => {
    if (!isSentHere(downlink, origin)) return;
    await offers.offer({ deviceId: data.device_id, deviceUid: data.device_uid }, false);
  });
  events.on('device.subscribed', async ({ data }) => {
    if (data.channels.includes('ota')) {
      await offers.offer({ deviceId: data.device_id, deviceUid: data.device_uid }, true);
    }
  });

  events.on('device.deleted', async ({ data, origin }) => {
    if (origin !== 'relay') wake(await cancelDeleted(store, data.device_id, clock.now()));
  });
  events.on('device.updated', async ({ data, origin }) => {
    if (origin === 'relay' || !data.changes.includes('timezone')) return;
    const [device] = await devices.describe([data.device_id]);
    if (device === undefined) return;
    await store.transaction((writer) => writer.setZone(device.deviceId, device.timezone, clock.now()));
  });

  return {
    name: 'campaigns',
    listens: events,
    relayedEvents: ['campaign.offer_due'],
    routes: [
      { prefix: '/api/v1/campaigns', routes: createCampaignsRoutes(campaigns) },
      { prefix: '/api/v1/devices', routes: createOtaRoutes(campaigns) },
      {
        prefix: '/default/controller/v1',
        role: 'ingest',
        routes: createDdiRoutes(ddi, persistence.refusals, publicUrl),
      },
    ],
    sinks: [createOtaResponseSink(store, persistence.refusals, wake), createFirmwareVersionSink(store, wake)],
    jobs: createCampaignsJobs(driver, store),
    gauges: [
      {
        name: 'core_api_campaigns_active',
        help: 'Campaigns of the whole installation that are under way',
        labels: ['status'],
        read: async () => {
          const { campaigns } = await store.countActive();
          return ACTIVE_STATES.map((status) => ({ labels: { status }, value: campaigns[status] ?? 0 }));
        },
      },
      {
        name: 'core_api_campaign_devices',
        help: 'Devices of these campaigns',
        labels: ['status'],
        read: async () => {
          const { devices } = await store.countActive();
          return DEVICE_STATES.map((status) => ({ labels: { status }, value: devices[status] ?? 0 }));
        },
      },
    ],
    components: [
      {
        name: 'campaigns',
        async stop() {
          stopping.abort();
          for (const timer of woken.values()) clearTimeout(timer);
          await driving.idle();
          await offers.idle();
        },
      },
    ],
    inner: { driver, idle: offers.idle },
  };
}
