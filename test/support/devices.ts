import { type Principal, USER_ROLES, type UserRole } from '#kernel/access.ts';
import type { Clock } from '#kernel/clock.ts';
import { createEventBus, type DomainEvent, type EventBus } from '#kernel/events.ts';
import { silentLogger } from '#kernel/logger.ts';
import {
  createDevicesModule,
  type DevicesApi,
  type DevicesModule,
  devicesMigrations,
  type UserDeviceScope,
} from '#modules/devices/index.ts';
import { usersMigrations } from '#modules/users/index.ts';
import { createAuditTrail } from '#platform/audit/audit.ts';
import { createRefusalTrail } from '#platform/audit/refusal-trail.ts';
import { createMemoryCounters } from '#platform/cache/memory-counters.ts';
import type { MqttDownlink } from '#platform/mqtt/downlink.port.ts';
import type { MqttAccounts } from '#platform/mqtt/mqtt.port.ts';
import type { MigrationSet, SqlStore } from '#platform/sql/sql.port.ts';
import { createX509 } from '#platform/x509/peculiar/peculiar.ts';
import { createTestClock, type TestClock } from './clock.ts';
import { recordEvents } from './events.ts';
import { temporaryFolder } from './folders.ts';
import { createDeviceAuthenticator, createTestApp, type TestApp } from './http.ts';
import { createTestSql } from './sql.ts';
import { createTestUsers } from './users.ts';

/** Users and devices as they run in production, on a store in memory. */
export interface DevicesHarness {
  readonly app: TestApp;
  readonly api: DevicesApi;
  readonly reconcileAccounts: DevicesModule['reconcileAccounts'];
  readonly jobs: DevicesModule['jobs'];
  readonly gauges: DevicesModule['gauges'];
  readonly bus: EventBus;
  readonly sql: SqlStore;
  readonly clock: TestClock;
  /** Since when devices can be heard; for tests to set. */
  listeningSince: number;
  /** Every device event since the start, in order. */
  readonly events: DomainEvent[];
  /** How tries of claims ended, in order. */
  readonly attempts: string[];
  /** An existing user of each role. */
  readonly actors: Readonly<Record<UserRole, Principal>>;
  /** One more USER. */
  readonly stranger: Principal;
  /** Registers a device through the API, as an ADMIN. */
  // biome-ignore lint/suspicious/noExplicitAny: the answer of POST /devices
  device(body?: Readonly<Record<string, unknown>>): Promise<any>;
  close(): Promise<void>;
}

/** Where devices with a certificate connect, and those without. */
const BROKER = (tls: boolean) => ({ host: 'mqtt.example.com', port: tls ? 8883 : 1883, tls });

export async function createDevicesHarness(
  userDeviceScope: UserDeviceScope = 'owned',
  accounts?: MqttAccounts,
  createDownlink?: (runtime: { readonly events: EventBus; readonly clock: Clock }) => MqttDownlink,
  /** Of modules that stand on devices. */
  ...migrations: readonly MigrationSet[]
): Promise<DevicesHarness> {
  const sql = await createTestSql(usersMigrations, devicesMigrations, ...migrations);
  const clock = createTestClock();
  const bus = createEventBus(silentLogger);
  const audit = createAuditTrail({ sql, clock });
  const keys = temporaryFolder();
  const users = createTestUsers({ sql, audit, clock, events: bus });
  const broker = accounts === undefined ? {} : { broker: { accounts } };
  const refusals = createRefusalTrail({
    audit,
    clock,
    logger: silentLogger,
    counted: { action: 'device.refusals_counted', resourceType: 'device' },
  });
  const devices = createDevicesModule({
    sql,
    audit,
    clock,
    events: bus,
    users: users.api,
    userDeviceScope,
    listeningSince: async () => harness.listeningSince,
    claims: {
      refusals,
      counters: createMemoryCounters({ clock }),
      keysFolder: keys.path,
      brokerAddress: BROKER,
      onAttempt: (result) => void harness.attempts.push(result),
    },
    certificates: {
      x509: createX509(),
      keysFolder: keys.path,
      refusals,
    },
    ...broker,
    ...(createDownlink === undefined ? {} : { downlink: createDownlink({ events: bus, clock }) }),
  });
  const authenticator = createDeviceAuthenticator(devices.api);
  for (const { name, start } of devices.components) {
    if (name === 'key of claims') await start?.(AbortSignal.timeout(5_000));
  }
  const app = await createTestApp({ routes: devices.routes, clock, authenticator });

  const person = async (role: UserRole, name: string): Promise<Principal> => {
    const user = await users.api.create({ email: `${name}@example.com`, password: 'correct horse', role });
    return { userId: user.id, role };
  };
  const actors = {} as Record<UserRole, Principal>;
  for (const role of USER_ROLES) actors[role] = await person(role, role);
  const stranger = await person('USER', 'stranger');

  const harness: DevicesHarness = {
    listeningSince: 0,
    attempts: [],
    app,
    api: devices.api,
    reconcileAccounts: devices.reconcileAccounts,
    jobs: devices.jobs,
    gauges: devices.gauges,
    bus,
    sql,
    clock,
    events: recordEvents(
      bus,
      'device.created',
      'device.updated',
      'device.deleted',
      'device.credentials_rotated',
      'device.owner_changed',
      'device.status_changed',
      'device.certificate_ended',
      'device.certificate_ending',
    ),
    actors,
    stranger,
    async device(body = {}) {
      const answer = await app.request({
        method: 'POST',
        url: '/api/v1/devices',
        as: actors.ADMIN,
        body: { name: 'Sensor', device_type: 'sensor', ...body },
      });
      if (answer.status !== 201) throw new Error(answer.text);
      return answer.json();
    },
    async close() {
      await app.close();
      keys.remove();
      await sql.stop?.(AbortSignal.timeout(1_000));
    },
  };
  return harness;
}
