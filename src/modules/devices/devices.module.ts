import type { Clock } from '#kernel/clock.ts';
import type { EventBus } from '#kernel/events.ts';
import { createOrderedIds } from '#kernel/ids.ts';
import { type Logger, silentLogger } from '#kernel/logger.ts';
import type { UsersApi } from '#modules/users/index.ts';
import type { AuditTrail } from '#platform/audit/audit.port.ts';
import type { HttpMount } from '#platform/http/http.port.ts';
import type { JobDefinition } from '#platform/jobs/jobs.port.ts';
import type { MqttDownlink } from '#platform/mqtt/downlink.port.ts';
import type { MqttAccounts } from '#platform/mqtt/mqtt.port.ts';
import type { SqlStore } from '#platform/sql/sql.port.ts';
import { createBrokerAuthRoutes } from './broker-auth/broker-auth.routes.ts';
import { createBrokerAuthService } from './broker-auth/broker-auth.service.ts';
import { createConnectionsRoutes } from './connections/connections.routes.ts';
import { createConnectionsService } from './connections/connections.service.ts';
import type { DevicesApi } from './devices.api.ts';
import { createDeviceDirectory } from './devices.directory.repository.ts';
import { createDevicesJobs } from './devices.jobs.ts';
import { createDeviceListing } from './devices.listing.repository.ts';
import { type AccountReport, createDeviceLogins } from './devices.logins.ts';
import type { UserDeviceScope } from './devices.ports.ts';
import { createDevicePresenter } from './devices.presenter.ts';
import { createDeviceStore } from './devices.repository.ts';
import { createDevicesRoutes } from './devices.routes.ts';
import { createDevicesService } from './devices.service.ts';
import { createStatements } from './devices.statements.ts';
import { createGroupStore } from './groups/groups.repository.ts';
import { createGroupsRoutes } from './groups/groups.routes.ts';
import { createGroupsService } from './groups/groups.service.ts';
import { createStatusStore } from './status/status.repository.ts';
import { createStatusService } from './status/status.service.ts';
import { createTransitionOutbox } from './status/transitions.repository.ts';
import { createExportService } from './transfer/export.service.ts';
import { createImportService } from './transfer/import.service.ts';
import { createTransferRoutes } from './transfer/transfer.routes.ts';

export interface DevicesModuleDeps {
  readonly sql: SqlStore;
  readonly audit: AuditTrail;
  readonly clock: Clock;
  readonly events: EventBus;
  readonly users: Pick<UsersApi, 'exists'>;
  /** `owned`: a USER reads its own devices; `all`: every signed-in user reads every device. */
  readonly userDeviceScope: UserDeviceScope;
  /** Who is connected. Absent: it is not known here, and nobody can ask. */
  readonly downlink?: MqttDownlink;
  /** With it, brokers may ask who a device is, under `/api/v1/mqtt`. */
  readonly brokerAuthSecret?: string | null;
  /** Since when devices can be heard without a gap; absent: always. Silence before it says nothing. */
  readonly listeningSince?: () => Promise<number>;
  /** The broker's own logins, kept in step with the devices. Absent: it asks at each login. */
  readonly broker?: { readonly accounts: MqttAccounts; readonly logger: Logger };
}

export interface DevicesModule {
  readonly api: DevicesApi;
  readonly routes: readonly HttpMount[];
  readonly jobs: readonly JobDefinition[];
  /** Compares the broker's logins with the devices, and logs what it finds; for the start, and `doctor`. */
  reconcileAccounts(): Promise<AccountReport>;
}

export function createDevicesModule(deps: DevicesModuleDeps): DevicesModule {
  const { sql, audit, clock, events, users, userDeviceScope, brokerAuthSecret = null, broker = NO_BROKER } = deps;
  const { listeningSince = async () => 0, downlink } = deps;
  const statements = createStatements();
  // In order: transitions within one millisecond are listed in theirs.
  const nextId = createOrderedIds(clock);
  const store = createDeviceStore(sql, statements, audit, nextId);
  const listing = createDeviceListing(sql, statements);
  const statuses = createStatusService({ store: createStatusStore(sql, statements, nextId), clock, events });
  const logins = createDeviceLogins({ store, clock, ...broker });
  const devices = createDevicesService({
    store: { ...store, ...listing },
    logins,
    statuses,
    users,
    clock,
    events,
    userDeviceScope,
  });
  const transitions = createTransitionOutbox(sql);
  const imports = createImportService({ store, logins, users, clock, events });
  const exports = createExportService({ store, audit });
  const groupStore = createGroupStore(sql, audit);
  const groups = createGroupsService({ store: groupStore, clock });
  const present = createDevicePresenter();
  const brokerAuth = createBrokerAuthService({ devices });

  return {
    api: {
      async counts() {
        const one = { page: 1, size: 1, sort: [] } as const;
        const [all, online, group] = await Promise.all([
          listing.list({ ...one, visibleTo: null, filter: {} }),
          listing.list({ ...one, visibleTo: null, filter: { status: 'ONLINE' } }),
          groupStore.list(one),
        ]);
        return { devices: all.total, devices_online: online.total, device_groups: group.total };
      },
      ...createDeviceDirectory(sql),
      authenticate: devices.authenticate,
      statusOf: async (deviceId) => (await store.findById(deviceId))?.status ?? null,
      findByUid: devices.findByUid,
      getVisible: devices.getVisible,
      findVisibleByUid: devices.findVisibleByUid,
      mayObserve: async (principal, deviceUid) => (await devices.findVisibleByUid(principal, deviceUid)) !== null,
      applyStatuses: statuses.applyStatuses,
      unloggedTransitions: transitions.unlogged,
      transitionsLogged: transitions.logged,
      touchLastSeen: statuses.touchLastSeen,
      markAllOffline: statuses.markAllOffline,
    },
    jobs: createDevicesJobs(statuses, listeningSince),
    reconcileAccounts: logins.reconcile,
    routes: [
      { prefix: '/api/v1/devices', routes: createTransferRoutes(imports, exports, present) },
      { prefix: '/api/v1/devices', routes: createDevicesRoutes(devices, present) },
      ...(downlink === undefined
        ? []
        : [
            {
              prefix: '/api/v1/devices',
              routes: createConnectionsRoutes(createConnectionsService({ store, devices, downlink })),
            },
          ]),
      { prefix: '/api/v1/device-groups', routes: createGroupsRoutes(groups) },
      ...(brokerAuthSecret === null
        ? []
        : [{ prefix: '/api/v1/mqtt', routes: createBrokerAuthRoutes(brokerAuth, brokerAuthSecret) }]),
    ],
  };
}

const NO_BROKER = {
  accounts: { set: async () => {}, remove: async () => false, list: async () => null },
  logger: silentLogger,
};
