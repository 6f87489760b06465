import type { Clock } from '#kernel/clock.ts';
import type { EventBus } from '#kernel/events.ts';
import { createOrderedIds } from '#kernel/ids.ts';
import { type Logger, silentLogger } from '#kernel/logger.ts';
import type { UsersApi } from '#modules/users/index.ts';
import type { AuditTrail } from '#platform/audit/audit.port.ts';
import type { ModuleWith } from '#platform/module/module.port.ts';
import type { MqttDownlink } from '#platform/mqtt/downlink.port.ts';
import type { MqttAccounts } from '#platform/mqtt/mqtt.port.ts';
import type { SqlStore } from '#platform/sql/sql.port.ts';
import { createBrokerAuthRoutes } from './broker-auth/broker-auth.routes.ts';
import { createBrokerAuthService } from './broker-auth/broker-auth.service.ts';
import { type CertificatesPlatform, createCertificates } from './certificates/certificates.module.ts';
import { type ClaimsPlatform, createClaims } from './claims/claims.module.ts';
import { createConnectionsRoutes } from './connections/connections.routes.ts';
import { createConnectionsService } from './connections/connections.service.ts';
import type { DevicesApi } from './devices.api.ts';
import { createDeviceDirectory, describeIn, markConfigSync, settleConfigs } from './devices.directory.repository.ts';
import { createDevicesJobs } from './devices.jobs.ts';
import { createDeviceListing } from './devices.listing.repository.ts';
import { type AccountReport, createDeviceLogins } from './devices.logins.ts';
import { createDevicePolicy } from './devices.policy.ts';
import type { UserDeviceScope } from './devices.ports.ts';
import { createDevicePresenter } from './devices.presenter.ts';
import { createDeviceStore } from './devices.repository.ts';
import { createDevicesRoutes } from './devices.routes.ts';
import { createDevicesService } from './devices.service.ts';
import { createStatements } from './devices.statements.ts';
import { createGroupStore } from './groups/groups.repository.ts';
import { createGroupsRoutes } from './groups/groups.routes.ts';
import { createGroupsService } from './groups/groups.service.ts';
import { createHttpPresence, createLastSeen, createReturns } from './status/presence.ts';
import type { StatusLog } from './status/status.ports.ts';
import { createStatusStore } from './status/status.repository.ts';
import { createStatusService } from './status/status.service.ts';
import { createStatusSink } from './status/status.sink.ts';
import { createStatusLogs } from './status/status-logs.ts';
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
  /** Where changes of status are logged. Absent: nowhere. */
  readonly statusLog?: StatusLog;
  readonly logger?: Logger;
  /** Absent: no device logs in by a certificate, and nobody can register an authority. */
  readonly certificates?: CertificatesPlatform;
  /** Absent, or without `certificates`: devices do not register themselves by claims. */
  readonly claims?: ClaimsPlatform;
  readonly broker?: DevicesBroker;
  /** Since when devices can be heard without a gap; absent: always. Silence before it says nothing. */
  readonly listeningSince?: () => Promise<number>;
}

/** The broker, as the registry of devices sees it. Absent: it is embedded, and asks at each login. */
export interface DevicesBroker {
  /** Its own logins, kept in step with the devices. Null: it keeps none. */
  readonly accounts: MqttAccounts | null;
  /** Whether devices can still be connected when this process starts. */
  readonly sessionsSurviveRestart?: boolean;
  /** With it, brokers may ask who a device is, under `/api/v1/mqtt`. */
  readonly authSecret?: string | null;
  /** What devices may publish: the last level of the topic. */
  readonly channels?: readonly string[];
}

export interface DevicesModule
  extends ModuleWith<'routes' | 'jobs' | 'sinks' | 'commitListeners' | 'components' | 'gauges'> {
  readonly api: DevicesApi;
  /** Compares the broker's logins with the devices, and logs what it finds; for the start, and `doctor`. */
  reconcileAccounts(): Promise<AccountReport>;
}

export function createDevicesModule(deps: DevicesModuleDeps): DevicesModule {
  const { sql, audit, clock, users, userDeviceScope, broker = NO_BROKER } = deps;
  const { authSecret = null, channels = [] } = broker;
  const events = deps.events.scope();
  const { listeningSince = async () => 0, downlink, statusLog = NO_LOG, logger = silentLogger } = deps;
  const accounts = broker.accounts ?? NO_ACCOUNTS;
  const statements = createStatements();
  // In order: transitions within one millisecond are listed in theirs.
  const nextId = createOrderedIds(clock);
  const store = createDeviceStore(sql, statements, audit, nextId);
  const listing = createDeviceListing(sql, statements);
  const statuses = createStatusService({ store: createStatusStore(sql, statements, nextId), clock, events });
  const logins = createDeviceLogins({ store, clock, accounts, logger });
  const devices = createDevicesService({
    store: { ...store, ...listing },
    logins,
    statuses,
    users,
    clock,
    events,
    policy: createDevicePolicy(userDeviceScope),
  });
  const outbox = createTransitionOutbox(sql);
  const statusLogs = createStatusLogs({ log: statusLog, outbox, events, clock, logger });
  const lastSeen = createLastSeen(statuses, logger);
  const returns = createReturns(statuses, events, logger);
  const imports = createImportService({ store, logins, users, clock, events });
  const exports = createExportService({ store, audit });
  const groupStore = createGroupStore(sql, audit);
  const groups = createGroupsService({ store: groupStore, clock });
  const present = createDevicePresenter();
  const certificates =
    deps.certificates &&
    createCertificates({ platform: deps.certificates, persistence: { sql, audit }, devices, clock, events });
  const claims =
    deps.claims &&
    certificates &&
    createClaims({
      platform: deps.claims,
      persistence: { sql, audit },
      ...{ devices, groups: store, users, channels, clock, logger },
      issuer: certificates.issuer,
    });
  const brokerAuth = createBrokerAuthService({ devices, channels });

  return {
    name: 'devices',
    listens: events,
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
      identify: async (certificate, username, origin) => {
        const found = await certificates?.identify(certificate, username, origin);
        if (found === undefined) return null;
        return 'refused' in found ? { refused: found.refused.code, deviceUid: found.deviceUid } : found;
      },
      findClaim: async (token, origin) => (await claims?.identify(token, origin)) ?? null,
      async provision(token, payload, origin) {
        if (claims === undefined) throw new Error('devices do not register themselves here');
        return await claims.provision(token, payload, origin);
      },
      statusOf: async (deviceId) => (await store.findById(deviceId))?.status ?? null,
      findByUid: devices.findByUid,
      getVisible: devices.getVisible,
      getControllable: devices.getControllable,
      findVisibleByUid: devices.findVisibleByUid,
      mayObserve: async (principal, deviceUid) => (await devices.findVisibleByUid(principal, deviceUid)) !== null,
      applyStatuses: statuses.applyStatuses,
      touchLastSeen: statuses.touchLastSeen,
      markAllOffline: statuses.markAllOffline,
      describeIn,
      markConfigSync,
      settleConfigs,
    },
    jobs: [...createDevicesJobs(statuses, listeningSince), ...(certificates?.jobs ?? [])],
    gauges: certificates?.gauges ?? [],
    relayedEvents: [
      'device.created',
      'device.updated',
      'device.deleted',
      'device.credentials_rotated',
      'device.owner_changed',
      'device.went_silent',
      'device.certificate_ended',
    ],
    sinks: [createStatusSink({ statuses, logs: statusLogs, presence: createHttpPresence(events), logger })],
    commitListeners: [
      { name: 'last seen', committed: ({ devices: heard, receivedAt }) => lastSeen.note(heard.keys(), receivedAt) },
      { name: 'returns', committed: ({ devices: heard, receivedAt }) => returns.note(heard.keys(), receivedAt) },
    ],
    components: [
      ...(broker.sessionsSurviveRestart === true
        ? []
        : [
            {
              // Nobody is connected to a broker that starts with this process.
              name: 'device status',
              start: async () => void (await statuses.markAllOffline(clock.now())),
              roles: ['ingest'] as const,
            },
          ]),
      ...(broker.accounts === null
        ? []
        : [{ name: 'device logins', start: async () => void (await logins.reconcile()) }]),
      statusLogs,
      lastSeen,
      ...(claims === undefined ? [] : [claims.component]),
    ],
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
      ...(claims?.routes ?? []),
      ...(certificates?.routes ?? []),
      ...(authSecret === null
        ? []
        : [{ prefix: '/api/v1/mqtt', routes: createBrokerAuthRoutes(brokerAuth, authSecret) }]),
    ],
  };
}

const NO_LOG: StatusLog = { append: async () => {} };
const NO_BROKER: DevicesBroker = { accounts: null };
const NO_ACCOUNTS: MqttAccounts = { set: async () => {}, remove: async () => false, list: async () => null };
