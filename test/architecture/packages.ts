/** A package (or `node:` module) → the files that may import it, as globs from the root. Tests are not asked. */
export type PackageHomes = Readonly<Record<string, readonly string[]>>;

const edges = ['src/modules/**/*.routes.ts'];
const shapes = ['src/modules/**/*.schemas.ts'];
const persistence = [
  'src/modules/**/*.repository.ts',
  'src/modules/**/*.tables.ts',
  'src/modules/**/*.statements.ts',
  'src/modules/*/migrations/*.ts',
];
const http = 'src/platform/http/*.ts';
const dashboard = 'src/platform/jobs/dashboard/*.ts';
const tracing = ['src/platform/tracing/opentelemetry/*.ts'];

/** Where each dependency of package.json may be imported. Checked both ways, and every dependency is named. */
export const packageHomes: PackageHomes = {
  '@bull-board/api': [dashboard],
  '@bull-board/fastify': [dashboard],
  '@duckdb/node-api': ['src/platform/columnar/duckdb/*.ts'],
  '@fastify/busboy': ['src/modules/devices/transfer/upload.ts'],
  '@fastify/cookie': ['src/platform/http/http.server.ts'],
  '@fastify/cors': [http],
  '@fastify/proxy-addr': [http],
  '@fastify/rate-limit': [http],
  '@fastify/swagger': [http],
  '@fastify/swagger-ui': [http],
  '@fastify/type-provider-typebox': [http],
  '@opentelemetry/api': tracing,
  '@opentelemetry/exporter-trace-otlp-http': tracing,
  '@opentelemetry/resources': tracing,
  '@opentelemetry/sdk-trace-node': tracing,
  '@socket.io/redis-adapter': ['src/platform/realtime/redis/*.ts'],
  aedes: ['src/platform/mqtt/aedes/*.ts'],
  ajv: [http],
  'ajv-formats': [http],
  bullmq: ['src/platform/jobs/bullmq/*.ts'],
  croner: ['src/platform/jobs/schedule.ts'],
  'csv-parse': ['src/modules/devices/transfer/import.csv.ts'],
  'csv-stringify': ['src/modules/analytics/export.routes.ts', 'src/modules/devices/transfer/transfer.routes.ts'],
  'fast-jwt': ['src/modules/auth/access-tokens.ts'],
  fastify: [...edges, http, dashboard],
  'find-my-way': [http],
  ioredis: ['src/platform/redis/*.ts', 'src/platform/*/redis/*.ts'],
  kysely: [...persistence, 'src/platform/sql/**/*.ts', 'src/platform/audit/**/*.ts'],
  'lru-cache': [
    'src/modules/auth/access-tokens.ts',
    'src/modules/auth/authenticator.ts',
    'src/modules/devices/devices.listing.repository.ts',
    'src/modules/monitoring/alerts/state-cache.ts',
    'src/modules/notifications/push.service.ts',
    'src/modules/devices/status/presence.ts',
    'src/modules/ingest/ingest.pipeline.ts',
    'src/modules/ingest/ingest.throttle.ts',
    'src/modules/live/live.view.ts',
    'src/platform/mqtt/mosquitto/identities.ts',
    'src/platform/mqtt/refusals.ts',
    'src/platform/sql/sqlite.statements.ts',
    'src/platform/telemetry/sqlite/telemetry.procedures.ts',
  ],
  mongodb: ['src/platform/mongodb/*.ts', 'src/platform/*/mongodb/*.ts'],
  mqtt: ['src/platform/mqtt/mosquitto/*.ts', 'src/main/commands/fleet/*.ts'],
  mysql2: ['src/platform/sql/mariadb/*.ts'],
  'node:sqlite': [
    'src/main/data-lock.ts',
    'src/platform/sqlite/*.ts',
    'src/platform/*/sqlite*.ts',
    'src/platform/*/sqlite/*.ts',
  ],
  nodemailer: ['src/platform/mail/smtp/*.ts'],
  'openid-client': ['src/platform/oauth/openid/*.ts'],
  pino: ['src/main/logging.ts'],
  'pino-pretty': ['src/main/logging.ts'],
  'prom-client': ['src/platform/metrics/metrics.ts'],
  rolldown: ['src/main/bundle.js'],
  'socket.io': ['src/platform/realtime/socketio/*.ts'],
  typebox: [
    ...edges,
    ...shapes,
    'src/modules/**/*.jobs.ts',
    'src/modules/**/*.socket.ts',
    'src/modules/devices/transfer/import.service.ts',
    'src/modules/system/jobs/jobs.service.ts',
    'src/modules/**/*.channel.ts',
    'src/platform/channels/*.port.ts',
    'src/platform/http/http.schemas.ts',
    'src/platform/realtime/live-event.port.ts',
    'src/platform/*/*.jobs.ts',
    'src/platform/remote/remote-server.ts',
  ],
  ws: ['src/platform/realtime/socketio/*.ts'],
};

/** What a module may import of Node.js, checked both ways. Keys and files hold secrets; streams carry up- and downloads. */
export const moduleBuiltins: PackageHomes = {
  'node:buffer': ['src/modules/devices/transfer/transfer.routes.ts', 'src/modules/ingest/ingest.bodies.ts'],
  'node:crypto': [
    'src/modules/auth/account/account.pages.ts',
    'src/modules/auth/oauth/oauth.service.ts',
    'src/modules/auth/oauth/ticket-seal.ts',
    'src/modules/auth/signing-keys.ts',
    'src/modules/auth/successor.ts',
    'src/modules/notifications/notifications.ports.ts',
    'src/modules/system/configs/secret-box.ts',
    'src/modules/telemetry/log.channel.ts',
    'src/modules/users/password.ts',
  ],
  'node:fs/promises': ['src/modules/auth/signing-keys.ts', 'src/modules/system/configs/secret-box.ts'],
  'node:http': ['src/modules/devices/transfer/upload.ts'],
  'node:path': ['src/modules/auth/signing-keys.ts', 'src/modules/system/configs/secret-box.ts'],
  'node:stream': [
    'src/modules/analytics/export.routes.ts',
    'src/modules/analytics/export.schemas.ts',
    'src/modules/devices/transfer/transfer.routes.ts',
    'src/modules/devices/transfer/transfer.schemas.ts',
    'src/modules/devices/transfer/upload.ts',
  ],
  'node:util': ['src/modules/users/password.ts'],
};
