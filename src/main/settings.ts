import { DEFAULT_INGEST_LIMITS, type IngestLimits } from '#modules/ingest/index.ts';
import { type OAuthProviderSettings, renderOAuthExample } from './oauth-settings.ts';
import {
  address,
  corsOrigins,
  flag,
  instanceId,
  integer,
  listOf,
  mailFrom,
  oneOf,
  oneOfOrNone,
  optionalText,
  otlpHeaders,
  PORT,
  page,
  rateLimit,
  secret,
  share,
  text,
  timeZone,
  trustProxy,
  userWriteLimit,
  webhookUrls,
} from './setting-kinds.ts';

/** Every setting: its default, what is accepted, what it does. `.env.example` and the README's table come from here. */

export const ROLES = ['api', 'ingest', 'worker', 'scheduler'] as const;

export const SETTINGS = {
  HTTP_HOST: text('127.0.0.1', 'Address of the HTTP API; 0.0.0.0 for all interfaces'),
  HTTP_PORT: integer(8000, PORT, 'Port of the HTTP API; 0 picks a free one'),
  HTTP_CONNECTIONS: integer(10_000, [1, 1_000_000], 'Open connections of the HTTP API, those of Socket.IO included'),
  HTTP_CONNECTIONS_PER_ADDRESS: integer(
    1_000,
    [1, 1_000_000],
    'The same of one client address; those of TRUST_PROXY are not counted',
  ),
  METRICS_PORT: integer(
    null,
    PORT,
    'Port of /metrics, /docs, /redoc, /openapi.json and /asyncapi.json alone, at HTTP_HOST; unset: that of the API',
  ),
  METRICS_TOKEN: secret('Needed for the same, as a bearer or as the password of HTTP Basic; unset: they are public'),
  MQTT_HOST: text('127.0.0.1', 'Address of the built-in MQTT broker; 0.0.0.0 for all interfaces'),
  MQTT_PORT: integer(1883, PORT, 'Port of the built-in MQTT broker; 0 picks a free one'),
  MQTT_WS_PORT: integer(null, PORT, 'Port of MQTT over WebSocket; unset: off'),
  MQTT_TLS_PORT: integer(null, PORT, 'Port of MQTT over TLS; unset: off'),
  MQTT_TLS_CERT_FILE: optionalText('the path of a PEM file', 'Certificate chain of MQTT_TLS_PORT'),
  MQTT_TLS_KEY_FILE: optionalText('the path of a PEM file', 'Private key of MQTT_TLS_PORT'),
  MQTT_TLS_CLIENT_CERTS: oneOf(
    ['off', 'optional', 'required'],
    'off',
    'Whether devices log in by certificates at MQTT_TLS_PORT; required: by nothing else there',
  ),
  MQTT_MAX_CONNECTIONS: integer(10_000, [1, 1_000_000], 'Connections that the built-in MQTT broker takes at once'),
  DATA_DIR: text('./data', 'Folder of the SQLite files and signing keys; created with mode 0700'),
  DATABASE_URL: address(
    ['mysql:', 'mariadb:'],
    'mysql://user:password@host:3306/core_api',
    'Relational store on MariaDB 10.11 or newer; unset: SQLite in DATA_DIR',
  ),
  DOCUMENTS_URL: address(
    ['mongodb:', 'mongodb+srv:'],
    'mongodb://user:password@host:27017/core_api',
    'Documents and telemetry on MongoDB 6 or newer; unset: SQLite in DATA_DIR',
  ),
  REDIS_URL: address(
    ['redis:', 'rediss:'],
    'redis://:password@host:6379',
    'What replicas share and background jobs, on Redis 7 or newer; unset: in the process, jobs in DATA_DIR',
  ),
  MQTT_URL: address(
    ['mqtt:', 'mqtts:'],
    'mqtt://user:password@host:1883',
    'Mosquitto 2.0 with dynamic security; unset: the broker inside the process',
  ),
  MQTT_PUBLIC_URL: address(
    ['mqtt:', 'mqtts:'],
    'mqtts://mqtt.example.com:8883',
    'Where devices reach the broker, as people and devices that register themselves are told; unset: MQTT_URL, or the embedded broker at the host of PUBLIC_URL or MQTT_HOST',
  ),
  INSTANCE_ID: instanceId,
  MQTT_RECEIVERS: integer(
    2,
    [1, 16],
    'Sessions at the broker of MQTT_URL among which ingest processes divide the devices; the same in all of them',
  ),
  MQTT_AUTH_SECRET: secret(
    'Shown by a broker that asks /api/v1/mqtt for logins and rights (EMQX, go-auth); unset: none may ask',
  ),
  SMTP_URL: address(
    ['smtp:', 'smtps:'],
    'smtp://user:password@host:587',
    'Server that e-mail is sent through (STARTTLS where it offers it, smtps: TLS at once); unset: e-mail is off',
  ),
  MAIL_FROM: mailFrom,
  WEBHOOK_URL: webhookUrls,
  WEBHOOK_SECRET: secret('Signs calls of WEBHOOK_URL; after whsec_ it is base64'),
  WEBHOOK_ALLOW_PRIVATE: flag(false, 'Whether WEBHOOK_URL may lead to addresses that are not public'),
  NOTIFICATIONS_URL: address(
    ['http:', 'https:'],
    'http://notifications:8000',
    'Where the notifications are, when they run in a process of their own; unset: in this one',
  ),
  SERVE_MODULE: oneOfOrNone(
    ['notifications'],
    'This process is that module alone, for those with NOTIFICATIONS_URL; unset: it is what ROLES says',
  ),
  INTERNAL_SECRET: secret('Shown by processes of one installation to each other; needed with the two above'),
  ROLES: listOf(ROLES, 'What this process does'),
  WORKER_CONCURRENCY: integer(4, [1, 100], 'Jobs that a worker runs at once, in each queue'),
  LOG_LEVEL: oneOf(['debug', 'info', 'warn', 'error', 'silent'], 'info', 'Least severe level that is logged'),
  LOG_FORMAT: oneOf(['json', 'pretty'], 'json', 'How log lines look'),
  TZ_NAME: timeZone,
  CORS_ORIGINS: corsOrigins,
  TRUST_PROXY: trustProxy,
  RATE_LIMIT: rateLimit,
  USER_WRITE_LIMIT: userWriteLimit,
  REGISTRATION_OPEN: flag(true, 'Whether anyone may register as a USER'),
  PUBLIC_URL: page(
    'https://iot.example.com',
    'Where browsers reach this system, for links in e-mail and for sign-in at providers; unset: HTTP_HOST and HTTP_PORT',
  ),
  OAUTH_SUCCESS_URL: page(
    'https://app.example.com/signed-in',
    'Page that takes over after a sign-in at a provider, with ?code= or ?error=; unset: the callback answers tokens',
  ),
  FIRMWARE_MAX_MB: integer(512, [1, 8_192], 'Size of a firmware image, in MiB'),
  FIRMWARE_REQUIRE_SIGNATURE: flag(
    false,
    'Whether each firmware has to be signed by a registered key; otherwise the installation signs what is not',
  ),
  USER_DEVICE_SCOPE: oneOf(['owned', 'all'], 'owned', 'Which devices a USER may read'),
  ACCESS_TOKEN_MINUTES: integer(30, [1, 1_440], 'Lifetime of access tokens'),
  REFRESH_TOKEN_DAYS: integer(7, [1, 365], 'Lifetime of refresh tokens'),
  TELEMETRY_RETENTION_DAYS: integer(365, [1, 36_500], 'Older time stamps are rejected, and older telemetry is removed'),
  RECORD_RETENTION_DAYS: integer(
    365,
    [1, 36_500],
    'Cleared alerts, notifications, stored analyses and ended commands that are older are removed',
  ),
  OTEL_EXPORTER_OTLP_ENDPOINT: address(
    ['http:', 'https:'],
    'http://collector:4318',
    'Where traces go, by OTLP over HTTP (to /v1/traces there); unset: none are made',
  ),
  OTEL_EXPORTER_OTLP_HEADERS: otlpHeaders,
  OTEL_SERVICE_NAME: text('core-api', 'Name of this service in traces'),
  OTEL_TRACES_SAMPLER_ARG: share(0.01, 'Share of messages and requests that are traced, unless the caller says'),
  DEVICE_METRIC_NAMES: integer(
    1_000,
    [1, 100_000],
    'Metric names that a device may have; a name that it has not sent for 30 days makes room',
  ),
  DEVICE_RATE_LIMIT: integer(
    null,
    [1, 1_000_000],
    'Items a second (messages, and items of arrays) above which a device is slowed; unset: no limit',
  ),
} as const;

export type Settings = { readonly [Name in keyof typeof SETTINGS]: (typeof SETTINGS)[Name]['default'] } & {
  /** Of `OAUTH_<NAME>_…` */
  readonly OAUTH_PROVIDERS: readonly OAuthProviderSettings[];
};

export function recordRetentionMs(settings: Pick<Settings, 'RECORD_RETENTION_DAYS'>): number {
  return settings.RECORD_RETENTION_DAYS * 86_400_000;
}

export function telemetryRetentionMs(settings: Pick<Settings, 'TELEMETRY_RETENTION_DAYS'>): number {
  return settings.TELEMETRY_RETENTION_DAYS * 86_400_000;
}

export function ingestLimits(settings: Settings): IngestLimits {
  return {
    ...DEFAULT_INGEST_LIMITS,
    maxAgeMs: telemetryRetentionMs(settings),
    maxNames: settings.DEVICE_METRIC_NAMES,
    maxRatePerDevice: settings.DEVICE_RATE_LIMIT,
    // An outside broker sends the messages of all devices in one line: a delay would hold up the others.
    isMqttPaced: settings.MQTT_URL === null,
  };
}

/** The text of `.env.example`. */
export function renderEnvExample(): string {
  const lines = ['# Every setting with its default. Copy to .env and change what you need.', ''];
  for (const [name, setting] of Object.entries(SETTINGS)) {
    lines.push(
      `# ${setting.description}. Accepted: ${setting.accepted}.`,
      `${setting.shown === '' ? '# ' : ''}${name}=${setting.shown}`,
      '',
    );
  }
  return [...lines, ...renderOAuthExample()].join('\n');
}
