import type { Principal } from '#kernel/access.ts';
import { systemClock } from '#kernel/clock.ts';
import { defined } from '#kernel/defined.ts';
import { commonErrors } from '#kernel/errors.ts';
import { createEventBus } from '#kernel/events.ts';
import { silentLogger } from '#kernel/logger.ts';
import { createUserTokenStore } from '#modules/auth/index.ts';
import { createDevicesModule } from '#modules/devices/index.ts';
import { createMonitoringModule } from '#modules/monitoring/index.ts';
import { createUsersModule, type UsersApi } from '#modules/users/index.ts';
import { createAuditTrail } from '#platform/audit/audit.ts';
import { createMemoryCounters } from '#platform/cache/memory-counters.ts';
import { createHttpServer } from '#platform/http/http.server.ts';
import { createHealthChecks } from '#platform/module/health-checks.ts';
import { noTracing } from '#platform/tracing/no-tracing.ts';
import { CHANNELS } from '../../channels.ts';
import { MIGRATIONS } from '../../migrations.ts';
import { createBrokerLogins } from '../../profiles/broker.ts';
import { createRelationalStore } from '../../profiles/relational.ts';
import { createStores } from '../../profiles/stores.ts';
import { recordRetentionMs, type Settings } from '../../settings.ts';
import { StartError } from '../../start-error.ts';
import { VERSION } from '../../version.ts';

export interface SampleApi {
  readonly users: UsersApi;
  /** One request to the API, as this person and without a port. @throws StartError for any answer but a success */
  call<T>(as: Principal, request: ApiRequest): Promise<T>;
}

export interface ApiRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: object;
}

const DEADLINE_MS = 60_000;

/**
 * The API of people, devices and rules on the stores of the settings, beside a server that may be running: so sample
 * data passes the same checks as everybody's, and is in the audit trail.
 */
export async function withSampleApi<T>(settings: Settings, work: (api: SampleApi) => Promise<T>): Promise<T> {
  const clock = systemClock;
  const logger = silentLogger;
  const events = createEventBus(logger);
  const sql = await createRelationalStore(settings, MIGRATIONS);
  const broker = await createBrokerLogins(settings, CHANNELS, logger);
  const audit = createAuditTrail({ sql, clock });
  const counters = createMemoryCounters({ clock });
  const users = createUsersModule({ sql, audit, clock, events, tokens: createUserTokenStore(), counters });
  const devices = createDevicesModule({
    sql,
    audit,
    clock,
    events,
    users: users.api,
    userDeviceScope: settings.USER_DEVICE_SCOPE,
    broker: { accounts: broker.accounts },
  });
  const monitoring = createMonitoringModule({
    // Neither is started: nothing is judged here.
    stores: { sql, telemetry: (await createStores(settings, clock, logger)).telemetry },
    jobs: {
      enqueue: async () => {
        throw commonErrors.unavailable();
      },
    },
    audit,
    modules: { devices: devices.api, users: users.api, live: { toWatchers: () => {} } },
    events,
    runtime: { clock, logger },
    options: { alone: true, retentionMs: recordRetentionMs(settings), checks: createHealthChecks() },
  });
  let actor: Principal | undefined;
  const http = await createHttpServer({
    host: '127.0.0.1',
    port: 0,
    logger,
    version: VERSION,
    corsOrigins: [],
    trustProxy: false,
    rateLimit: null,
    counters,
    tracing: noTracing,
    authenticator: {
      bearer: async () => {
        if (actor === undefined) throw commonErrors.authentication_required();
        return actor;
      },
      device: async () => {
        throw commonErrors.authentication_required();
      },
    },
    routes: [...devices.routes, ...monitoring.routes],
  });

  const components = [sql, ...broker.components];
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const started: typeof components = [];
  try {
    for (const component of components) {
      started.push(component);
      await component.start?.(signal);
      if (component === sql) await sql.migrate();
    }
    return await work({
      users: users.api,
      async call(as, { method, url, query, body }) {
        actor = as;
        const response = await http.app.inject({
          method,
          url,
          headers: { authorization: 'Bearer seed' },
          ...defined({ query, payload: body }),
        });
        if (response.statusCode >= 300) {
          throw new StartError(`${method} ${url} answered ${response.statusCode}: ${response.json().detail}`);
        }
        return response.json();
      },
    });
  } finally {
    await http.app.close();
    for (const component of started.toReversed()) await component.stop?.(AbortSignal.timeout(DEADLINE_MS));
  }
}
