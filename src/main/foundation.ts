import type { Clock } from '#kernel/clock.ts';
import { createEventBus, type EventBus } from '#kernel/events.ts';
import type { Component } from '#kernel/lifecycle.ts';
import type { Logger } from '#kernel/logger.ts';
import type { DeviceRefusals, RefusalTrail } from '#platform/audit/audit.port.ts';
import { createAuditTrail } from '#platform/audit/audit.ts';
import { createHourlyRefusals } from '#platform/audit/hourly-refusals.ts';
import { createRefusalTrail } from '#platform/audit/refusal-trail.ts';
import type { Channel } from '#platform/channels/channel.port.ts';
import type { DocumentStore } from '#platform/documents/documents.port.ts';
import type { Jobs } from '#platform/jobs/jobs.port.ts';
import { createMailJobs } from '#platform/mail/mail.jobs.ts';
import type { Mailer } from '#platform/mail/mail.port.ts';
import { createMetrics, type Metrics } from '#platform/metrics/metrics.ts';
import { createHealthChecks } from '#platform/module/health-checks.ts';
import type { HealthChecks, ModuleParts, Role } from '#platform/module/module.port.ts';
import { createRuns } from '#platform/runs/runs.ts';
import type { MigrationSet, SqlStore } from '#platform/sql/sql.port.ts';
import type { TelemetryStore } from '#platform/telemetry/telemetry.port.ts';
import { createTelemetryKeeper } from '#platform/telemetry/telemetry-keeper.ts';
import type { Tracing } from '#platform/tracing/tracing.port.ts';
import { createHttpWebhooks } from '#platform/webhook/http-webhooks.ts';
import { createWebhookJobs } from '#platform/webhook/webhook.jobs.ts';
import { createX509 } from '#platform/x509/peculiar/peculiar.ts';
import type { X509 } from '#platform/x509/x509.port.ts';
import { createMeasurements, type Measurements } from './measurements.ts';
import { createInfrastructure, type Infrastructure } from './profiles/infrastructure.ts';
import { createMailer } from './profiles/mail.ts';
import { createTracing } from './profiles/tracing.ts';
import { createPublicUrl, type PublicUrl } from './public-url.ts';
import type { Settings } from './settings.ts';
import { createSchema } from './unfinished-move.ts';
import { VERSION } from './version.ts';

/** What the modules stand on: the adapters that the settings picked, measured, and what is common to a process. */
export interface Foundation {
  readonly settings: Settings;
  readonly roles: ReadonlySet<Role>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: EventBus;
  readonly metrics: Metrics;
  readonly measure: Measurements;
  readonly checks: HealthChecks;
  readonly tracing: Tracing;
  readonly publicUrl: PublicUrl;
  readonly infrastructure: Infrastructure;
  readonly sql: SqlStore;
  readonly telemetryStore: TelemetryStore;
  readonly documents: DocumentStore;
  readonly jobs: Jobs;
  readonly mailer: Mailer;
  /** Addresses that are told of alerts. */
  readonly webhookEndpoints: readonly string[];
  readonly audit: ReturnType<typeof createAuditTrail>;
  /** Of what is refused to people, and to devices. */
  readonly refusals: Readonly<Record<'auth' | 'device', RefusalTrail>>;
  /** Of what known devices say and ask for. */
  readonly deviceRefusals: DeviceRefusals;
  readonly x509: X509;
  readonly runs: ReturnType<typeof createRuns>;
  /** In start order: before the modules. */
  readonly components: readonly Component[];
  /** Its own record: jobs, checks and components that come among those of the modules. */
  readonly parts: ModuleParts;
  /** In start order: after the edges. */
  readonly workers: readonly Component[];
}

export interface FoundationOf {
  readonly migrations: MigrationSet;
  readonly channels: readonly Channel[];
}

/** Does no I/O. */
export async function createFoundation(
  settings: Settings,
  { migrations, channels }: FoundationOf,
  runtime: { readonly clock: Clock; readonly logger: Logger },
): Promise<Foundation> {
  const { clock, logger } = runtime;
  const roles: ReadonlySet<Role> = new Set(settings.ROLES);
  const events = createEventBus(logger);
  const metrics = createMetrics();
  const measure = createMeasurements(metrics);
  const tracing = await createTracing(settings, logger);
  const infrastructure = await createInfrastructure(settings, { migrations, channels }, { events, ...runtime });
  const sql = measure.sql(infrastructure.sql);
  const telemetryStore = measure.telemetry(infrastructure.telemetry);
  const documents = measure.documents(infrastructure.documents);
  const jobs = await infrastructure.createJobs(measure.jobs);
  measure.queues(jobs);
  const mailer = await createMailer(settings);
  const webhooks = createHttpWebhooks({
    urls: settings.WEBHOOK_URL,
    secret: settings.WEBHOOK_SECRET ?? '',
    allowPrivate: settings.WEBHOOK_ALLOW_PRIVATE,
    clock,
    version: VERSION,
  });
  const runs = createRuns({ documents, ...runtime });
  const schema = createSchema(sql);
  const audit = createAuditTrail({ sql, clock });
  const refusals = {
    auth: createRefusalTrail({ audit, ...runtime, counted: { action: 'auth.refusals_counted', resourceType: 'user' } }),
    device: createRefusalTrail({
      audit,
      ...runtime,
      counted: { action: 'device.refusals_counted', resourceType: 'device' },
    }),
  };

  const deviceRefusals = createHourlyRefusals({ audit, ...runtime });

  return {
    ...{ settings, roles, clock, logger, events, metrics, measure, tracing, infrastructure },
    ...{ sql, telemetryStore, documents, jobs, mailer, runs },
    checks: createHealthChecks(),
    publicUrl: createPublicUrl(settings),
    webhookEndpoints: webhooks.endpoints,
    audit,
    refusals,
    deviceRefusals,
    x509: createX509(),
    components: [
      tracing,
      // The schema is brought up to date right after the store that holds it has started.
      ...infrastructure.components.flatMap((each) => (each === infrastructure.sql ? [each, schema] : [each])),
      mailer,
      jobs,
    ],
    parts: {
      name: 'platform',
      jobs: [...createMailJobs(mailer), ...createWebhookJobs(webhooks)],
      components: [{ ...runs.recorder, roles: ['ingest'] }, refusals.auth, refusals.device, deviceRefusals],
      commitListeners: [measure.ingest.listener],
      checks: {
        ...Object.fromEntries(Object.entries(infrastructure.checks).map(([part, ready]) => [part, { ready }])),
        sql: { ready: () => sql.ping() },
        jobs: { ready: () => jobs.ping(), health: () => jobs.counts() },
        documents: { ready: () => documents.ping() },
      },
    },
    workers: [
      ...(roles.has('worker') ? [jobs.worker, createTelemetryKeeper({ telemetry: telemetryStore, ...runtime })] : []),
      ...(roles.has('scheduler') ? [jobs.scheduler] : []),
    ],
  };
}
