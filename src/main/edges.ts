import { commonErrors } from '#kernel/errors.ts';
import type { Component } from '#kernel/lifecycle.ts';
import type { AuthApi } from '#modules/auth/index.ts';
import type { DevicesApi } from '#modules/devices/index.ts';
import { DEFAULT_INGEST_LIMITS } from '#modules/ingest/index.ts';
import type { SystemApi } from '#modules/system/index.ts';
import { createConsoleRoutes } from '#platform/console/console.routes.ts';
import type { DevicePrincipal, HttpMount } from '#platform/http/http.port.ts';
import { createHttpServer, type HttpServer } from '#platform/http/http.server.ts';
import { createProbeRoutes } from '#platform/http/probes.ts';
import { publicAddress } from '#platform/http/public-address.port.ts';
import { createDashboardRoutes } from '#platform/jobs/dashboard/dashboard.routes.ts';
import type { MqttBroker, MqttHandler } from '#platform/mqtt/mqtt.port.ts';
import type { SocketIoRealtime } from '#platform/realtime/socketio/socketio.ts';
import { API_DESCRIPTION } from './api-description.ts';
import { createApiDocumentRoutes } from './asyncapi.ts';
import { CONSOLE_FOLDER, createConsoleBuild } from './console.ts';
import type { Foundation } from './foundation.ts';
import { VERSION } from './version.ts';

/** Of what anybody may send as a uid. */
const SHOWN_UID = 64;

/** Whom the edges ask, and to whom they hand on what comes in. */
export interface EdgeModules {
  readonly auth: AuthApi;
  readonly devices: Pick<DevicesApi, 'authenticate'>;
  readonly system: SystemApi;
  readonly mqttHandler: MqttHandler;
}

export interface EdgeParts {
  readonly realtime: SocketIoRealtime;
  readonly routes: readonly HttpMount[];
  readonly asyncApi: object;
}

export interface Edges {
  readonly http: HttpServer;
  readonly broker: MqttBroker;
  /** In start order: all that is behind them has started. */
  readonly components: readonly Component[];
  setServing(serving: boolean): void;
}

/** Where the system is reached: HTTP, Socket.IO on the same port, MQTT. */
export async function createEdges(base: Foundation, modules: EdgeModules, parts: EdgeParts): Promise<Edges> {
  const { settings, roles, events, checks, metrics, measure, tracing, logger, jobs, infrastructure, publicUrl } = base;
  const { auth, devices, system, mqttHandler } = modules;
  const { realtime, routes, asyncApi } = parts;
  let serving = false;

  const broker = infrastructure.broker.create(measure.mqtt(mqttHandler), DEFAULT_INGEST_LIMITS.maxPayloadBytes);
  if (roles.has('ingest')) checks.add('mqtt', { ready: () => broker.ping() });

  const address = publicAddress(settings.PUBLIC_URL);
  const dashboard = createDashboardRoutes({
    jobs,
    offered: system.offeredJobs,
    run: system.runJob,
    note: system.noteJobs,
    timeZone: settings.TZ_NAME,
    publicAddress: address,
    signIn: auth.signIn,
    signInWithCode: auth.signInWithCode,
    bearer: auth.bearer,
  });
  const http = await createHttpServer({
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
      bearer: auth.bearer,
      device: async (deviceUid, secret, origin): Promise<DevicePrincipal> => {
        const device = await devices.authenticate(deviceUid, secret);
        if (device !== null) return device;
        const shown = deviceUid.slice(0, SHOWN_UID);
        await base.refusals.device.record({
          ...{ actor: null, origin, action: 'device.login_failed', resourceType: 'device', resourceId: null },
          details: { device_uid: shown, protocol: 'http' },
        });
        throw commonErrors.authentication_required({ detail: 'device_uid and secret do not match.' });
      },
    },
    routes: [
      ...routes,
      ...(roles.has('api')
        ? [
            { prefix: '/jobs', routes: dashboard, cookies: true as const },
            { prefix: '', routes: createConsoleRoutes({ folder: CONSOLE_FOLDER, basePath: address.basePath }) },
          ]
        : []),
      { prefix: '', routes: metrics.routes },
      { prefix: '', routes: createApiDocumentRoutes(asyncApi) },
      { prefix: '', routes: createProbeRoutes({ isServing: () => serving, checks: checks.ready() }) },
    ],
    onListening: publicUrl.listening,
    onResponse: measure.http,
  });
  // Without people here, what happens here still reaches those who watch in other processes.
  if (roles.has('api')) realtime.attachTo(http.app.server);
  metrics.gauge('core_api_realtime_connections', 'Socket.IO connections', () => realtime.connectionCount());

  // Who loses access loses open connections too.
  const listens = events.scope();
  listens.on('user.access_changed', ({ data }) => {
    realtime.disconnectUser(data.user_id);
    http.endDownloads(data.user_id);
  });
  // Who loses one of several ways in keeps what was opened by the others.
  listens.on('auth.access_ended', ({ data }) => {
    http.recheckDownloads(data.user_id);
    return realtime.recheckUser(data.user_id);
  });
  // Somebody may have lost access, and we were not told.
  listens.on('relay.gap', () => {
    http.endDownloads(null);
    return realtime.recheck();
  });
  listens.on('device.deleted', ({ data }) => broker.disconnect(data.device_uid, { forget: true }));
  listens.on('device.certificate_ended', ({ data }) =>
    broker.disconnect(data.device_uid, { certificate: data.fingerprint }),
  );
  listens.on('device.credentials_rotated', ({ data }) => broker.disconnect(data.device_uid));

  return {
    http,
    broker,
    components: [
      { name: 'edge listeners', stop: async () => listens.end() },
      http,
      realtime,
      ...(infrastructure.streams === null ? [] : [infrastructure.streams.consumers]),
      ...(roles.has('ingest') ? [broker] : []),
      ...(roles.has('api') ? [createConsoleBuild(logger)] : []),
    ],
    setServing(value) {
      serving = value;
    },
  };
}
