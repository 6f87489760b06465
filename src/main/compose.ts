import { join } from 'node:path';
import { type Clock, systemClock } from '#kernel/clock.ts';
import { commonErrors } from '#kernel/errors.ts';
import { createEventBus } from '#kernel/events.ts';
import type { Component } from '#kernel/lifecycle.ts';
import type { Logger } from '#kernel/logger.ts';
import { createAnalyticsModule } from '#modules/analytics/index.ts';
import { createAccountMails, createAuthModule, createUserTokenStore } from '#modules/auth/index.ts';
import { createDevicesModule } from '#modules/devices/index.ts';
import { createMonitoringModule } from '#modules/monitoring/index.ts';
import { createNotificationsModule } from '#modules/notifications/index.ts';
import { createSystemModule } from '#modules/system/index.ts';
import { createTelemetryModule, DEFAULT_INGEST_LIMITS } from '#modules/telemetry/index.ts';
import { createUsersModule } from '#modules/users/index.ts';
import { createAuditTrail } from '#platform/audit/audit.ts';
import type { CollectionDefinition } from '#platform/documents/documents.port.ts';
import type { DevicePrincipal } from '#platform/http/http.port.ts';
import { createHttpServer, type HttpServer } from '#platform/http/http.server.ts';
import { createProbeRoutes } from '#platform/http/probes.ts';
import { publicAddress } from '#platform/http/public-address.ts';
import { createDashboardRoutes } from '#platform/jobs/dashboard/dashboard.routes.ts';
import { createMailJobs } from '#platform/mail/mail.jobs.ts';
import { createMetrics } from '#platform/metrics/metrics.ts';
import type { MqttBroker } from '#platform/mqtt/mqtt.port.ts';
import { createSocketIoRealtime } from '#platform/realtime/socketio/socketio.ts';
import { relayEvents } from '#platform/relay/relay-events.ts';
import { createRetentionJobs } from '#platform/retention/retention.jobs.ts';
import { createRuns } from '#platform/runs/runs.ts';
import { createRollupKeeper } from '#platform/telemetry/rollup-keeper.ts';
import { createHttpWebhooks } from '#platform/webhook/http-webhooks.ts';
import { createWebhookJobs } from '#platform/webhook/webhook.jobs.ts';
import { API_DESCRIPTION } from './api-description.ts';
import { createApiDocumentRoutes } from './asyncapi.ts';
import { createMeasurements } from './measurements.ts';
import { MIGRATIONS } from './migrations.ts';
import { createColumnar } from './profiles/columnar.ts';
import { createIdentityProviders } from './profiles/identity-providers.ts';
import { createInfrastructure } from './profiles/infrastructure.ts';
import { createMailer } from './profiles/mail.ts';
import { createNotificationsApi } from './profiles/notifications.ts';
import { createTracing } from './profiles/tracing.ts';
import { publicUrlOf } from './public-url.ts';
import type { Runnable } from './run-until-stopped.ts';
import { recordRetentionMs, type Settings } from './settings.ts';
import { documentMoveNotes, refuseMoveTarget, refusingMoveTarget, sqlMoveNotes } from './unfinished-move.ts';
import { VERSION } from './version.ts';

/** What every process has to know at once, wherever it happens. Their handlers act within their own process. */
const RELAYED_EVENTS = [
  'user.access_changed',
  'user.updated',
  'device.created',
  'device.updated',
  'device.deleted',
  'device.credentials_rotated',
  'device.owner_changed',
  'device.went_silent',
  'alert_rule.changed',
] as const;

export interface System extends Runnable {
  readonly broker: MqttBroker;
  /** What the modules keep as documents. */
  readonly collections: readonly CollectionDefinition[];
}

/** The composition root: every part, what it is made of, and in which order it starts. Does no I/O. */
export async function composeSystem(settings: Settings, logger: Logger, clock: Clock = systemClock): Promise<System> {
  let serving = false;
  const roles = new Set(settings.ROLES);
  const events = createEventBus(logger);
  const metrics = createMetrics();
  const measure = createMeasurements(metrics);
  const tracing = await createTracing(settings, logger);
  const infrastructure = await createInfrastructure(settings, MIGRATIONS, events, clock, logger);
  const { counters } = infrastructure;
  const sql = measure.sql(infrastructure.sql);
  const telemetryStore = measure.telemetry(infrastructure.telemetry);
  const documents = measure.documents(infrastructure.documents);
  relayEvents({ events, relay: infrastructure.relay, clock }, RELAYED_EVENTS);
  const jobs = await infrastructure.createJobs(measure.jobs);

  const mailer = await createMailer(settings);
  const webhooks = createHttpWebhooks({
    urls: settings.WEBHOOK_URL,
    secret: settings.WEBHOOK_SECRET ?? '',
    allowPrivate: settings.WEBHOOK_ALLOW_PRIVATE,
    clock,
    version: VERSION,
  });
  const audit = createAuditTrail({ sql, clock });

  const keysFolder = join(settings.DATA_DIR, 'keys');

  // People
  const publicUrl = () => publicUrlOf(settings, http.port());
  const users = createUsersModule({
    sql,
    audit,
    clock,
    events,
    tokens: createUserTokenStore(),
    counters,
    mails: createAccountMails({ jobs, mailer, publicUrl }),
  });
  const auth = createAuthModule({
    persistence: { sql, audit },
    users: users.api,
    counters,
    usageCounters: infrastructure.rateLimitCounters,
    events,
    outside: { identityProviders: await createIdentityProviders(settings, logger), jobs, mailer },
    runtime: { clock, logger },
    settings: {
      keysFolder,
      accessTokenMinutes: settings.ACCESS_TOKEN_MINUTES,
      refreshTokenDays: settings.REFRESH_TOKEN_DAYS,
      registrationOpen: settings.REGISTRATION_OPEN,
      publicUrl,
      oauthSuccessUrl: settings.OAUTH_SUCCESS_URL,
    },
  });

  // Devices and what they say
  const { accounts, downlink } = infrastructure.broker;
  const runs = createRuns({ documents, clock, logger });
  const devices = createDevicesModule({
    sql,
    audit,
    clock,
    events,
    users: users.api,
    userDeviceScope: settings.USER_DEVICE_SCOPE,
    ...(accounts === null ? {} : { broker: { accounts, logger } }),
    downlink,
    brokerAuthSecret: settings.MQTT_AUTH_SECRET,
    listeningSince: runs.runningSince,
  });
  const monitoring = createMonitoringModule({
    stores: { sql, telemetry: telemetryStore },
    audit,
    modules: { devices: devices.api, users: users.api },
    jobs,
    events,
    runtime: { clock, logger },
    options: {
      alone: infrastructure.fanOut === null,
      listens: roles.has('ingest'),
      retentionMs: recordRetentionMs(settings),
      tell: (deviceUid, alert) => telemetry.tellWatchers(deviceUid, 'alert', alert),
      checks: () => ({
        ...checks,
        jobs: () => jobs.counts(),
        ...(roles.has('ingest') ? { ingest: async () => backlog(telemetry.backlog()) } : {}),
      }),
    },
  });
  const realtime = createSocketIoRealtime({
    // Without people here, what happens here still reaches those who watch in other processes.
    httpServer: roles.has('api') ? () => http.app.server : null,
    authenticator: { authenticate: auth.api.describe, refresh: auth.api.bearer },
    logger,
    corsOrigins: settings.CORS_ORIGINS,
    fanOut: infrastructure.fanOut,
  });
  const telemetry = createTelemetryModule({
    stores: { telemetry: telemetryStore, documents },
    devices: devices.api,
    realtime,
    events,
    runtime: { clock, logger, tracing },
    limits: {
      ...DEFAULT_INGEST_LIMITS,
      maxAgeMs: settings.TELEMETRY_RETENTION_DAYS * 86_400_000,
      maxNames: settings.DEVICE_METRIC_NAMES,
      maxRatePerDevice: settings.DEVICE_RATE_LIMIT,
      // An outside broker sends the messages of all devices in one line: a delay would hold up the others.
      isMqttPaced: settings.MQTT_URL === null,
    },
    observer: { ...measure.ingest, stored: monitoring.note },
  });
  const broker = infrastructure.broker.create(
    measure.mqtt(telemetry.mqttHandler),
    DEFAULT_INGEST_LIMITS.maxPayloadBytes,
  );

  const columns = await createColumnar();
  const analytics = createAnalyticsModule({
    stores: { telemetry: telemetryStore, documents },
    columns,
    devices: devices.api,
    logs: telemetry.api,
    runs,
    clock,
    timeZone: settings.TZ_NAME,
    retentionMs: recordRetentionMs(settings),
    telemetryRetentionMs: settings.TELEMETRY_RETENTION_DAYS * 86_400_000,
    audit,
  });

  const system = createSystemModule({
    sql,
    audit,
    clock,
    logger,
    jobs,
    keysFolder,
    facts: {
      version: VERSION,
      runtime: { node: process.versions.node, platform: process.platform, arch: process.arch },
      roles: settings.ROLES,
      instanceId: settings.INSTANCE_ID,
      adapters: infrastructure.adapters,
      memoryBytes: () => process.memoryUsage.rss(),
      counts: [users.api.counts, devices.api.counts, monitoring.counts],
    },
  });
  // What people are told
  const notifications = createNotificationsModule({
    api: await createNotificationsApi({ settings, documents, events, streams: infrastructure.streams, clock, logger }),
    users: users.api,
    jobs,
    persistence: { sql, audit },
    live: { realtime, events },
    clock,
    channels: {
      email: mailer.isConfigured,
      webhookEndpoints: webhooks.endpoints,
      publicUrl: () => publicUrlOf(settings, http.port()),
      timeZone: settings.TZ_NAME,
    },
  });

  // What is to be done later or again and again
  for (const definition of [
    ...auth.jobs,
    ...devices.jobs,
    ...createRetentionJobs([...telemetry.retention, ...monitoring.retention], clock),
    ...analytics.jobs,
    ...notifications.jobs,
    ...createMailJobs(mailer),
    ...createWebhookJobs(webhooks),
  ])
    jobs.define(definition);

  // Who loses access loses open connections too.
  events.on('user.access_changed', ({ data }) => {
    realtime.disconnectUser(data.user_id);
    http.endDownloads(data.user_id);
  });
  // Somebody may have lost access, and we were not told.
  events.on('relay.gap', () => {
    http.endDownloads(null);
    return realtime.recheck();
  });
  events.on('device.deleted', ({ data }) => broker.disconnect(data.device_uid, { forget: true }));
  events.on('device.credentials_rotated', ({ data }) => broker.disconnect(data.device_uid));

  /** Part → rejects when it is away. For the readiness probe and the health of components. */
  const checks: Readonly<Record<string, () => Promise<void>>> = {
    ...infrastructure.checks,
    ...(roles.has('ingest') ? { mqtt: () => broker.ping() } : {}),
    sql: () => sql.ping(),
    jobs: () => jobs.ping(),
    documents: () => documents.ping(),
    telemetry: async () => {
      await telemetryStore.ping();
      if (telemetry.isStalled()) throw commonErrors.unavailable();
    },
  };

  const dashboard = createDashboardRoutes({
    jobs,
    offered: system.api.offeredJobs,
    run: system.api.runJob,
    note: system.api.noteJobs,
    timeZone: settings.TZ_NAME,
    publicAddress: publicAddress(settings.PUBLIC_URL),
    signIn: auth.api.signIn,
    bearer: auth.api.bearer,
  });

  // The edge
  const http: HttpServer = await createHttpServer({
    host: settings.HTTP_HOST,
    port: settings.HTTP_PORT,
    logger,
    version: VERSION,
    publicUrl: settings.PUBLIC_URL,
    operations: { port: settings.METRICS_PORT, token: settings.METRICS_TOKEN },
    description: API_DESCRIPTION,
    corsOrigins: settings.CORS_ORIGINS,
    trustProxy: settings.TRUST_PROXY,
    rateLimit: settings.RATE_LIMIT,
    writeLimit: settings.USER_WRITE_LIMIT,
    limits: {
      connections: settings.HTTP_CONNECTIONS,
      connectionsPerAddress: settings.HTTP_CONNECTIONS_PER_ADDRESS,
    },
    counters: infrastructure.rateLimitCounters,
    tracing,
    authenticator: {
      bearer: auth.api.bearer,
      device: async (deviceUid, secret): Promise<DevicePrincipal> => {
        const device = await devices.api.authenticate(deviceUid, secret);
        if (device === null)
          throw commonErrors.authentication_required({ detail: 'device_uid and secret do not match.' });
        return device;
      },
    },
    routes: [
      ...(roles.has('api')
        ? [
            ...auth.routes,
            ...users.routes,
            ...devices.routes,
            ...telemetry.apiRoutes,
            ...monitoring.routes,
            ...analytics.routes,
            ...notifications.routes,
            ...system.routes,
            { prefix: '/jobs', routes: dashboard },
          ]
        : []),
      ...(roles.has('ingest') ? telemetry.ingestRoutes : []),
      { prefix: '', routes: metrics.routes },
      { prefix: '', routes: createApiDocumentRoutes(VERSION) },
      {
        prefix: '',
        routes: createProbeRoutes({
          isServing: () => serving,
          checks,
        }),
      },
    ],
    onResponse: measure.http,
  });
  metrics.gauge('core_api_realtime_connections', 'Socket.IO connections', () => realtime.connectionCount());
  measure.queues(jobs);
  measure.alerts(monitoring);

  const collections = [...documents.definitions()];
  const notHalfMoved = refusingMoveTarget('document store', documentMoveNotes(documents));
  const schema: Component = {
    name: 'schema',
    async start() {
      await refuseMoveTarget('database', sqlMoveNotes(sql));
      await sql.migrate();
    },
  };
  const reconcile: Component = {
    name: 'device status',
    async start() {
      if (roles.has('ingest') && !infrastructure.broker.sessionsSurviveRestart)
        await devices.api.markAllOffline(clock.now());
      if (accounts !== null) await devices.reconcileAccounts();
    },
  };
  return {
    components: [
      tracing,
      ...startOrder(infrastructure.components, infrastructure.sql, schema),
      notHalfMoved,
      mailer,
      jobs,
      ...auth.components,
      ...(roles.has('api') ? system.components : []),
      reconcile,
      ...(roles.has('ingest') ? [runs.recorder] : []),
      ...monitoring.components,
      ...telemetry.components,
      http,
      realtime,
      ...(infrastructure.streams === null ? [] : [infrastructure.streams.consumers]),
      ...(roles.has('ingest') ? [broker] : []),
      ...(roles.has('worker') ? [jobs.worker, createRollupKeeper({ telemetry: telemetryStore, clock, logger })] : []),
      ...(roles.has('scheduler') ? [jobs.scheduler] : []),
    ],
    http,
    broker,
    collections,
    setServing: (value) => {
      serving = value;
    },
  };
}

function backlog(items: number): string | undefined {
  return items === 0 ? undefined : `${items} items wait to be committed.`;
}

/** The schema is brought up to date right after the store that holds it has started. */
function startOrder(components: readonly Component[], sql: Component, schema: Component): readonly Component[] {
  return components.flatMap((component) => (component === sql ? [component, schema] : [component]));
}
