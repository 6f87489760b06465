import type { Clock } from '#kernel/clock.ts';
import type { EventBus } from '#kernel/events.ts';
import type { Logger } from '#kernel/logger.ts';
import type { DevicesApi } from '#modules/devices/index.ts';
import type { AuditTrail } from '#platform/audit/audit.port.ts';
import type { JobQueue } from '#platform/jobs/jobs.port.ts';
import type { ModuleWith } from '#platform/module/module.port.ts';
import { isSentHere, type MqttDownlink } from '#platform/mqtt/downlink.port.ts';
import type { SqlStore } from '#platform/sql/sql.port.ts';
import { createCurrentTwins } from './twin.current.ts';
import { createTwinGroups } from './twin.groups.ts';
import { createTwinJobs } from './twin.jobs.ts';
import type { TwinDevice } from './twin.ports.ts';
import { createTwinPublisher } from './twin.publisher.ts';
import { createTwinStore } from './twin.repository.ts';
import { createGroupConfigRoutes, createOwnConfigRoutes, createTwinRoutes } from './twin.routes.ts';
import { createTwinService } from './twin.service.ts';
import { createReportSink } from './twin.sink.ts';

export interface TwinModuleDeps {
  readonly persistence: { readonly sql: SqlStore; readonly audit: AuditTrail };
  readonly devices: DevicesApi;
  readonly downlink: MqttDownlink;
  readonly jobs: JobQueue;
  readonly events: EventBus;
  readonly runtime: { readonly clock: Clock; readonly logger: Logger };
}

export type TwinModule = ModuleWith<'routes' | 'sinks' | 'jobs' | 'components'>;

/** A change whose device was not told within the first of these, and made within the second, is published again. */
const UNTOLD_MS = { from: 180_000, to: 60_000 };

/** What devices are to be like, and what they say they are. */
export function createTwinModule(deps: TwinModuleDeps): TwinModule {
  const { persistence, devices, downlink, jobs, runtime } = deps;
  const { clock, logger } = runtime;
  const events = deps.events.scope();
  const store = createTwinStore(persistence.sql, persistence.audit, devices);
  const current = createCurrentTwins({ store, devices, clock });
  const { payloadOf, all } = current;
  downlink.supply('config', { payloadOf, all });
  const publisher = createTwinPublisher({ downlink, payloadOf, logger });
  const changed = ({ deviceId, deviceUid }: Pick<TwinDevice, 'deviceId' | 'deviceUid'>) =>
    events.emit('config.changed', clock.now(), { device_id: deviceId, device_uid: deviceUid });
  const twins = createTwinService({ store, current, devices, clock, changed });
  const groups = createTwinGroups({ store, current, devices, jobs, clock, changed });

  /** What a process that ended between storing and publishing has left behind. */
  async function republish(): Promise<number> {
    const now = clock.now();
    const untold = await store.listUnapplied(now - UNTOLD_MS.from, now - UNTOLD_MS.to);
    for (const device of untold) changed(device);
    return untold.length;
  }

  /** It may have defaults now, or other ones. */
  async function join(deviceId: number): Promise<void> {
    const [device] = await devices.describe([deviceId]);
    if (device === undefined) return;
    const before = await store.find(device.deviceUid);
    const { version } = await current.of(device);
    if (version !== (before?.version ?? 0)) changed(device);
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
  events.on('relay.gap', async () => void (await republish()));

  return {
    name: 'twin',
    listens: events,
    relayedEvents: ['config.changed'],
    routes: [
      { prefix: '/api/v1/devices', routes: createTwinRoutes(twins) },
      { prefix: '/api/v1/device-groups', routes: createGroupConfigRoutes(groups) },
      { prefix: '/api/v1/device', role: 'ingest', routes: createOwnConfigRoutes(twins) },
    ],
    sinks: [createReportSink({ store, current, clock, changed })],
    jobs: createTwinJobs(groups, republish),
    components: [{ name: 'configurations', stop: () => publisher.idle() }],
  };
}
