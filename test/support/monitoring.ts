import { join } from 'node:path';
import { type Principal, USER_ROLES, type UserRole } from '#kernel/access.ts';
import { createEventBus, type DomainEvent, type EventBus } from '#kernel/events.ts';
import { silentLogger } from '#kernel/logger.ts';
import { createDevicesModule, type DevicesModule, devicesMigrations } from '#modules/devices/index.ts';
import { createMonitoringModule, type MonitoringModule, monitoringMigrations } from '#modules/monitoring/index.ts';
import { usersMigrations } from '#modules/users/index.ts';
import { createAuditTrail } from '#platform/audit/audit.ts';
import type { JobQueue } from '#platform/jobs/jobs.port.ts';
import { createHealthChecks } from '#platform/module/health-checks.ts';
import type { SqlStore } from '#platform/sql/sql.port.ts';
import { createSqliteThread } from '#platform/sqlite/sqlite-thread.ts';
import { createSqliteTelemetryStore, TELEMETRY_PROCEDURES } from '#platform/telemetry/sqlite/telemetry.sqlite.ts';
import type { Metrics, Sample, TelemetryStore } from '#platform/telemetry/telemetry.port.ts';
import { createTestClock, type TestClock } from './clock.ts';
import { recordEvents } from './events.ts';
import { temporaryFolder } from './folders.ts';
import { createTestApp, type TestApp } from './http.ts';
import { createTestSql } from './sql.ts';
import { createTestUsers } from './users.ts';

/** Stores that outlive the processes of a test. */
export interface MonitoringWorld {
  readonly sql: SqlStore;
  readonly telemetry: TelemetryStore;
  readonly clock: TestClock;
  /** An existing user of each role. */
  readonly actors: Readonly<Record<UserRole, Principal>>;
  /** One more USER. */
  readonly stranger: Principal;
  /** A process on these stores. What it holds in memory is lost by making another one in its place. */
  open(options?: ProcessOptions): Promise<MonitoringProcess>;
  close(): Promise<void>;
}

export interface ProcessOptions {
  /** Default true: there is no other process. */
  readonly alone?: boolean;
  /** Samples that are kept for judgement. */
  readonly maxKept?: number;
  readonly jobs?: JobQueue;
  readonly userDeviceScope?: 'owned' | 'all';
  /** Connections of its own to the same database; stopped with the world. */
  readonly sql?: SqlStore;
}

export interface MonitoringProcess {
  readonly app: Pick<TestApp, 'request'>;
  readonly monitoring: MonitoringModule;
  readonly devices: DevicesModule;
  readonly bus: EventBus;
  /** Alert events, in order. */
  readonly events: DomainEvent[];
  /** What was shown live: uid and alert. */
  readonly told: (readonly [deviceUid: string, alert: unknown])[];
  /** Stores samples and gives them to the rules, as the ingest path does. */
  send(deviceId: number, ...samples: readonly (readonly [timestamp: number, metrics: Metrics])[]): Promise<void>;
  /** Until nothing is left to be judged. */
  judge(): Promise<void>;
  /** One turn of what time alone brings about. */
  tick(): Promise<void>;
  // biome-ignore lint/suspicious/noExplicitAny: the answer of POST /devices
  device(body?: Readonly<Record<string, unknown>>): Promise<any>;
  // biome-ignore lint/suspicious/noExplicitAny: the answer of POST /alert-rules
  rule(body: Readonly<Record<string, unknown>>, as?: Principal): Promise<any>;
  /** Oldest first. */
  // biome-ignore lint/suspicious/noExplicitAny: the items of GET /alerts
  alerts(query?: Readonly<Record<string, string | number>>): Promise<any[]>;
}

export const iso = (time: number): string => new Date(time).toISOString();

/** A rule about one device, above 30. */
export const hot = (device: { readonly id: number }, fields: object = {}): Readonly<Record<string, unknown>> => ({
  condition: 'gt',
  threshold: 30,
  scope: { device_id: device.id },
  ...fields,
});

/** What was emitted about alerts, by type. */
export const alertEvents = ({ events }: MonitoringProcess): readonly string[] => events.map(({ type }) => type);

const NO_JOBS: JobQueue = { enqueue: async () => 'job' };
const NEVER_MS = 2_000_000_000;
const PREFIX = '/api/v1/monitoring';

/** @param given with the schema; absent: a store of the test's own */
export async function createMonitoringWorld(given?: SqlStore): Promise<MonitoringWorld> {
  const sql = given ?? (await createTestSql(usersMigrations, devicesMigrations, monitoringMigrations));
  const folder = temporaryFolder();
  const file = { file: join(folder.path, 'telemetry.db'), procedures: [TELEMETRY_PROCEDURES], logger: silentLogger };
  const writer = createSqliteThread({ name: 'writer', mode: 'write', ...file });
  const reader = createSqliteThread({ name: 'reader', mode: 'read', ...file });
  const signal = () => AbortSignal.timeout(30_000);
  await writer.start?.(signal());
  await reader.start?.(signal());
  const telemetry = createSqliteTelemetryStore({ writer, reader });
  const clock = createTestClock();
  const audit = createAuditTrail({ sql, clock });
  const users = createTestUsers({ sql, audit, clock, events: createEventBus(silentLogger) });
  const person = async (role: UserRole, name: string): Promise<Principal> => {
    const user = await users.api.create({ email: `${name}@example.com`, password: 'correct horse', role });
    return { userId: user.id, role };
  };
  const actors = {} as Record<UserRole, Principal>;
  for (const role of USER_ROLES) actors[role] = await person(role, role);
  const stranger = await person('USER', 'stranger');
  const apps: Promise<TestApp>[] = [];
  const others: SqlStore[] = [];

  async function open(options: ProcessOptions = {}): Promise<MonitoringProcess> {
    const { alone = true, jobs = NO_JOBS, userDeviceScope = 'owned' } = options;
    const store = options.sql ?? sql;
    if (options.sql !== undefined) others.push(options.sql);
    const bus = createEventBus(silentLogger);
    const people = createTestUsers({ sql: store, audit, clock, events: bus });
    const devices = createDevicesModule({ sql: store, audit, clock, events: bus, users: people.api, userDeviceScope });
    const told: (readonly [string, unknown])[] = [];
    const checks = createHealthChecks();
    checks.add('sql', { ready: () => store.ping() });
    const monitoring = createMonitoringModule({
      stores: { sql: store, telemetry },
      audit,
      modules: {
        devices: devices.api,
        users: people.api,
        live: { toWatchers: (deviceUid, _event, alert) => void told.push([deviceUid, alert]) },
      },
      jobs,
      events: bus,
      runtime: { clock, logger: silentLogger },
      options: {
        alone,
        retentionMs: 365 * 86_400_000,
        // Tests say when.
        roundDelayMs: NEVER_MS,
        ...(options.maxKept === undefined ? {} : { maxKept: options.maxKept }),
        checks,
      },
    });
    await monitoring.components[0]?.start?.(signal());
    // Made when it is needed: it takes longer than all the rest.
    let made: Promise<TestApp> | undefined;
    const request: TestApp['request'] = async (given) => {
      made ??= createTestApp({ routes: [...people.routes, ...devices.routes, ...monitoring.routes], clock });
      apps.push(made);
      return (await made).request(given);
    };
    const make = async (url: string, as: Principal, body: object) => {
      const answer = await request({ method: 'POST', url, as, body });
      if (answer.status !== 201) throw new Error(answer.text);
      return answer.json();
    };
    const { evaluation, watch } = monitoring.inner;
    return {
      app: { request },
      monitoring,
      devices,
      bus,
      told,
      events: recordEvents(bus, 'alert.raised', 'alert.cleared', 'alert.acknowledged'),
      async send(deviceId, ...given) {
        const samples: Sample[] = given.map(([timestamp, metrics]) => ({ deviceId, timestamp, metrics }));
        await telemetry.append({ samples, counts: [] });
        const batch = { samples, devices: new Map(), receivedAt: clock.now(), items: samples.length, spans: null };
        for (const { committed } of monitoring.commitListeners) committed(batch);
      },
      judge: () => evaluation.settled(),
      async tick() {
        await watch.tick();
        await evaluation.settled();
      },
      device: (body = {}) => make('/api/v1/devices', actors.ADMIN, { name: 'Sensor', device_type: 'sensor', ...body }),
      rule: (body, as = actors.ADMIN) =>
        make(`${PREFIX}/alert-rules`, as, { name: 'Too hot', metric: 'temperature', severity: 'WARNING', ...body }),
      async alerts(query = {}) {
        const all = { is_acknowledged: 'all', size: 100, sort: 'id', ...query };
        return (await request({ url: `${PREFIX}/alerts`, as: actors.ADMIN, query: all })).json().items;
      },
    };
  }

  return {
    sql,
    telemetry,
    clock,
    actors,
    stranger,
    open,
    async close() {
      for (const app of new Set(apps)) await (await app).close();
      await writer.stop?.(signal());
      await reader.stop?.(signal());
      folder.remove();
      for (const each of [sql, ...others]) await each.stop?.(signal());
    },
  };
}
