import type { Clock } from '#kernel/clock.ts';
import type { EventBus } from '#kernel/events.ts';
import type { Logger } from '#kernel/logger.ts';
import type { DevicesApi } from '#modules/devices/index.ts';
import type { AuditTrail } from '#platform/audit/audit.port.ts';
import type { JobQueue } from '#platform/jobs/jobs.port.ts';
import type { MetricRegistry } from '#platform/metrics/metrics.port.ts';
import type { ModuleWith } from '#platform/module/module.port.ts';
import { isSentHere, type MqttDownlink } from '#platform/mqtt/downlink.port.ts';
import type { SqlStore } from '#platform/sql/sql.port.ts';
import { createCurrentTwins } from './twin.current.ts';
import { createTwinGroups } from './twin.groups.ts';
import { createTwinJobs } from './twin.jobs.ts';
import type { ChangedBy, DeviceKey } from './twin.ports.ts';
import { createTwinPublisher } from './twin.publisher.ts';
import { createTwinStore } from './twin.repository.ts';
import { createGroupConfigRoutes, createOwnConfigRoutes, createTwinRoutes } from './twin.routes.ts';
import { createTwinService } from './twin.service.ts';
import { createReportSink } from './twin.sink.ts';
import { createTwinSweep } from './twin.sweep.ts';

export interface TwinModuleDeps {
  readonly persistence: { readonly sql: SqlStore; readonly audit: AuditTrail };
  readonly devices: DevicesApi;
  readonly downlink: MqttDownlink;
  readonly jobs: JobQueue;
  readonly events: EventBus;
  readonly metrics: Pick<MetricRegistry, 'counter'>;
  readonly runtime: { readonly clock: Clock; readonly logger: Logger };
}

export type TwinModule = ModuleWith<'routes' | 'sinks' | 'jobs' | 'components' | 'gauges'>;

/** What devices are to be like, and what they say they are. */
export function createTwinModule(deps: TwinModuleDeps): TwinModule {
  const { persistence, devices, downlink, jobs, metrics, runtime } = deps;
  const { clock, logger } = runtime;
  const events = deps.events.scope();
  const changes = metrics.counter('core_api_config_changes_total', 'New versions of configurations', ['by']);
  const reports = metrics.counter('core_api_config_reports_total', 'Reports of devices on theirs', ['outcome']);
  const store = createTwinStore(persistence.sql, persistence.audit, devices);
  const changed = ({ deviceId, deviceUid }: DeviceKey, by: ChangedBy) => {
    changes.add(1, { by });
    events.emit('config.changed', clock.now(), { device_id: deviceId, device_uid: deviceUid });
  };
  const current = createCurrentTwins({ store, devices, clock, changed });
  downlink.supply('config', { payloadOf: current.payloadOf, all: current.all });
  const publisher = createTwinPublisher({ downlink, current, store, logger });
  const twins = createTwinService({ store, current, devices, clock, changed });
  const groups = createTwinGroups({ store, current, devices, jobs, clock, logger, changed });
  const sweep = createTwinSweep({ store, current, publisher, devices, clock, changed });

  /** It may have defaults now, or other ones. */
  async function join(deviceId: number): Promise<void> {
    const [device] = await devices.describe([deviceId]);
    if (device !== undefined) await current.of(device);
  }

  events.on('config.changed', async ({ data, origin }) => {
    if (isSentHere(downlink, origin)) await publisher.publish(data.device_uid);
  });
  events.on('device.created', async ({ data, origin }) => {
    if (origin !== 'relay') await join(data.device_id);
  });
  events.on('device.updated', async ({ data, origin }) => {
    if (origin !== 'relay' && data.changes.includes('group_id')) await join(data.device_id);
  });
  events.on('device.deleted', async ({ data, origin }) => {
    if (isSentHere(downlink, origin)) await publisher.publish(data.device_uid);
  });

  return {
    name: 'twin',
    listens: events,
    relayedEvents: ['config.changed'],
    routes: [
      { prefix: '/api/v1/devices', routes: createTwinRoutes(twins) },
      { prefix: '/api/v1/device-groups', routes: createGroupConfigRoutes(groups) },
      { prefix: '/api/v1/device', role: 'ingest', routes: createOwnConfigRoutes(twins) },
    ],
    sinks: [createReportSink({ store, current, clock, changed, reported: (outcome) => reports.add(1, { outcome }) })],
    jobs: createTwinJobs(groups, sweep),
    components: [{ name: 'configurations', stop: () => publisher.idle() }],
    gauges: [
      {
        name: 'core_api_device_configs',
        help: 'Devices of the whole installation with something to do about their configuration',
        labels: ['state'],
        async read() {
          const { outOfSync, untold } = await store.count();
          const counts = { out_of_sync: outOfSync, untold, due: await devices.countConfigsDue() };
          return Object.entries(counts).map(([state, value]) => ({ labels: { state }, value }));
        },
      },
    ],
  };
}
