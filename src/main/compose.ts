import { join } from 'node:path';
import { type Clock, systemClock } from '#kernel/clock.ts';
import type { Logger } from '#kernel/logger.ts';
import { createAnalyticsModule } from '#modules/analytics/index.ts';
import { createAccountMails, createAuthModule, createUserTokenStore } from '#modules/auth/index.ts';
import { createDashboardsModule } from '#modules/dashboards/index.ts';
import { createDevicesModule } from '#modules/devices/index.ts';
import { createIngestModule } from '#modules/ingest/index.ts';
import { createLiveModule } from '#modules/live/index.ts';
import { createMonitoringModule } from '#modules/monitoring/index.ts';
import { createNotificationsModule } from '#modules/notifications/index.ts';
import { createSystemModule } from '#modules/system/index.ts';
import { createDeviceLogs, createTelemetryModule } from '#modules/telemetry/index.ts';
import { createUsersModule } from '#modules/users/index.ts';
import type { CollectionDefinition } from '#platform/documents/documents.port.ts';
import type { ModuleParts } from '#platform/module/module.port.ts';
import type { MqttBroker } from '#platform/mqtt/mqtt.port.ts';
import { createSocketIoRealtime } from '#platform/realtime/socketio/socketio.ts';
import { createSecretBox } from '#platform/secrets/secret-box.ts';
import { assemble, flowOf } from './assemble.ts';
import { createAsyncApiDocument } from './asyncapi.ts';
import { CHANNELS } from './channels.ts';
import { createLifecycleModules } from './compose-lifecycle.ts';
import { createEdges } from './edges.ts';
import { createFoundation } from './foundation.ts';
import { MIGRATIONS } from './migrations.ts';
import { createColumnar } from './profiles/columnar.ts';
import { createIdentityProviders } from './profiles/identity-providers.ts';
import { createNotificationsApi } from './profiles/notifications.ts';
import type { Runnable } from './run-until-stopped.ts';
import { ingestLimits, recordRetentionMs, type Settings, telemetryRetentionMs } from './settings.ts';
import { storageOf } from './storage.ts';
import { documentMoveNotes, refusingMoveTarget } from './unfinished-move.ts';
import { VERSION } from './version.ts';

export interface System extends Runnable {
  readonly broker: MqttBroker;
  /** What the modules keep as documents. */
  readonly collections: readonly CollectionDefinition[];
  /** What they bring. */
  readonly modules: readonly ModuleParts[];
  /** AsyncAPI, of this process. */
  readonly asyncApi: object;
  /** What whoever makes the first user has to know; null once there is, or was, a user. */
  setupCode(): Promise<string | null>;
  /** Signs a user in to the console, once and within ten minutes. */
  signInCode(userId: number): Promise<string>;
}

/**
 * The composition root: infrastructure, modules, and what puts them together. It reads from top to bottom: nothing closes
 * over a later line. Does no I/O.
 */
export async function composeSystem(settings: Settings, logger: Logger, clock: Clock = systemClock): Promise<System> {
  const base = await createFoundation(settings, { migrations: MIGRATIONS, channels: CHANNELS }, { clock, logger });
  const { events, sql, telemetryStore, documents, jobs, mailer, audit, runs, infrastructure, publicUrl, checks } = base;
  const { counters, rateLimitCounters: usageCounters, fanOut, streams } = infrastructure;
  const {
    accounts,
    downlink,
    sessionsSurviveRestart,
    deviceChannels: channels,
    address,
    addresses,
  } = infrastructure.broker;
  const runtime = { clock, logger };
  const keysFolder = join(settings.DATA_DIR, 'keys');
  const secrets = createSecretBox({ folder: keysFolder });
  const retentionMs = recordRetentionMs(settings);

  // People
  const mails = createAccountMails({ jobs, mailer, publicUrl: publicUrl.read });
  const users = createUsersModule({ sql, audit, clock, events, tokens: createUserTokenStore(), counters, mails });
  const auth = createAuthModule({
    persistence: { sql, audit, refusals: base.refusals.auth, secrets },
    users: users.api,
    counters,
    usageCounters,
    events,
    outside: { identityProviders: await createIdentityProviders(settings, logger), jobs, mailer },
    runtime,
    settings: {
      keysFolder,
      accessTokenMinutes: settings.ACCESS_TOKEN_MINUTES,
      refreshTokenDays: settings.REFRESH_TOKEN_DAYS,
      registrationOpen: settings.REGISTRATION_OPEN,
      publicUrl: publicUrl.read,
      oauthSuccessUrl: settings.OAUTH_SUCCESS_URL,
    },
  });

  // Devices and what they say
  const logs = createDeviceLogs(documents);
  const devices = createDevicesModule({
    sql,
    audit,
    clock,
    events,
    users: users.api,
    userDeviceScope: settings.USER_DEVICE_SCOPE,
    downlink,
    broker: { accounts, sessionsSurviveRestart, authSecret: settings.MQTT_AUTH_SECRET, channels },
    statusLog: logs,
    certificates: { x509: base.x509, refusals: base.refusals.device, keysFolder },
    claims: {
      refusals: base.refusals.device,
      counters: usageCounters,
      keysFolder,
      brokerAddress: address,
      onAttempt: base.measure.claims.attempted,
    },
    logger,
    listeningSince: runs.runningSince,
  });
  const telemetry = createTelemetryModule({
    telemetry: telemetryStore,
    logs,
    devices: devices.api,
    clock,
    retentionMs: telemetryRetentionMs(settings),
  });
  const authenticator = { authenticate: auth.api.describe, refresh: auth.api.bearer };
  const realtime = createSocketIoRealtime({ authenticator, logger, corsOrigins: settings.CORS_ORIGINS, fanOut });
  const live = createLiveModule({ realtime, devices: devices.api, events });
  const monitoring = createMonitoringModule({
    stores: { sql, telemetry: telemetryStore },
    audit,
    modules: { devices: devices.api, users: users.api, live: live.api },
    jobs,
    events,
    runtime,
    options: { alone: fanOut === null, retentionMs, checks },
  });
  const analytics = createAnalyticsModule({
    stores: { telemetry: telemetryStore, documents },
    columns: await createColumnar(),
    devices: devices.api,
    logs: telemetry.api,
    runs,
    clock,
    timeZone: settings.TZ_NAME,
    retentionMs,
    telemetryRetentionMs: telemetryRetentionMs(settings),
    audit,
  });

  // The installation, and what people are told
  const system = createSystemModule({
    sql,
    audit,
    clock,
    logger,
    jobs,
    secrets,
    facts: {
      version: VERSION,
      runtime: { node: process.versions.node, platform: process.platform, arch: process.arch },
      roles: settings.ROLES,
      instanceId: settings.INSTANCE_ID,
      adapters: infrastructure.adapters,
      memoryBytes: () => process.memoryUsage.rss(),
      storage: () => storageOf(settings.DATA_DIR),
      brokerAddresses: addresses,
      counts: [users.api.counts, devices.api.counts, monitoring.api.counts],
    },
  });
  const notifications = createNotificationsModule({
    api: await createNotificationsApi({ settings, documents, events, streams, clock, logger }),
    users: users.api,
    jobs,
    persistence: { sql, audit },
    live: { realtime, events },
    clock,
    channels: {
      email: mailer.isConfigured,
      webhookEndpoints: base.webhookEndpoints,
      publicUrl: publicUrl.read,
      timeZone: settings.TZ_NAME,
    },
  });
  const dashboards = createDashboardsModule({ sql, audit, clock, events });
  const lifecycle = createLifecycleModules(base, {
    ...{ devices: devices.api, realtime, monitoring: monitoring.api, telemetry: telemetry.api },
  });
  const told = [live, monitoring, telemetry, analytics, notifications, dashboards];
  const modules = [users, auth, system, devices, base.parts, ...told, ...lifecycle];

  // What devices send: it goes where the modules say
  const ingest = createIngestModule({
    telemetry: telemetryStore,
    devices: devices.api,
    flow: { channels: CHANNELS, ...flowOf(modules) },
    runtime: { ...runtime, tracing: base.tracing },
    limits: ingestLimits(settings),
    onDelay: base.measure.ingest.delayed,
  });

  // All together, and its edges
  const assembly = assemble([...modules, ingest], { ...base, relay: infrastructure.relay });
  const asyncApi = createAsyncApiDocument(VERSION, CHANNELS, assembly.live);
  const edges = await createEdges(
    base,
    { auth: auth.api, devices: devices.api, system: system.api, mqttHandler: ingest.api.mqtt },
    { realtime, routes: assembly.routes, asyncApi },
  );
  const collections = [...documents.definitions()];
  const notHalfMoved = refusingMoveTarget('document store', documentMoveNotes(documents));
  return {
    components: [...base.components, notHalfMoved, ...assembly.components, ...edges.components, ...base.workers],
    http: edges.http,
    broker: edges.broker,
    collections,
    modules: [...modules, ingest],
    asyncApi,
    setupCode: auth.api.setupCode,
    signInCode: auth.api.signInCode,
    setServing: edges.setServing,
  };
}
