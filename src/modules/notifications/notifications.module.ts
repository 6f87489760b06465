import type { Clock } from '#kernel/clock.ts';
import type { EventBus } from '#kernel/events.ts';
import type { UsersApi } from '#modules/users/index.ts';
import type { AuditWriter } from '#platform/audit/audit.port.ts';
import type { DocumentStore } from '#platform/documents/documents.port.ts';
import type { JobQueue } from '#platform/jobs/jobs.port.ts';
import type { ModuleWith } from '#platform/module/module.port.ts';
import type { Realtime } from '#platform/realtime/realtime.port.ts';
import type { SqlStore } from '#platform/sql/sql.port.ts';
import { createBroadcastsService } from './broadcasts.service.ts';
import type { NotificationsApi } from './notifications.api.ts';
import { createNotificationsJobs } from './notifications.jobs.ts';
import { NOTIFICATION_RETENTION_MS, type Notification } from './notifications.ports.ts';
import { createNotificationsRoutes } from './notifications.routes.ts';
import { createNotificationsService } from './notifications.service.ts';
import { createNotificationNamespace, LIVE_NOTIFICATION } from './notifications.socket.ts';
import { createPushService } from './push.service.ts';
import { createSummaryStore } from './summaries/summaries.repository.ts';
import { createSummaries, type SummariesOptions } from './summaries/summaries.service.ts';

/** The core, which may be in a process of its own: needs nothing but a document store and events. */
export function createNotificationsCore(dependencies: {
  readonly documents: DocumentStore;
  readonly events: EventBus;
  readonly clock: Clock;
  readonly retentionMs?: number;
}): NotificationsApi {
  const { documents, events, clock, retentionMs = NOTIFICATION_RETENTION_MS } = dependencies;
  const collection = documents.collection<Notification>({
    name: 'notifications',
    indexes: [
      ['user_id', 'created_at'],
      ['user_id', 'is_read', 'created_at'],
    ],
    expiry: { field: 'created_at', afterMs: retentionMs },
  });
  return createNotificationsService({ collection, clock, events });
}

export interface NotificationsModuleDeps {
  /** The core, or a client of the one in another process. */
  readonly api: NotificationsApi;
  readonly users: Pick<UsersApi, 'listContacts'>;
  readonly jobs: JobQueue;
  readonly persistence: { readonly sql: SqlStore; readonly audit: AuditWriter };
  readonly live: { readonly realtime: Realtime; readonly events: EventBus };
  readonly clock: Clock;
  /** The ways out of the house that this installation has. */
  readonly channels: { readonly email: boolean; readonly webhookEndpoints: readonly string[] } & SummariesOptions;
}

export type NotificationsModule = ModuleWith<'routes' | 'jobs'>;

/** The edges: routes, jobs, live events. */
export function createNotificationsModule(dependencies: NotificationsModuleDeps): NotificationsModule {
  const { api, users, jobs, persistence, live, clock, channels } = dependencies;
  const { sql, audit } = persistence;
  const broadcasts = createBroadcastsService({ notifications: api, users, jobs, audit });
  const { publicUrl, timeZone } = channels;
  const summaries = createSummaries({
    store: createSummaryStore(sql),
    users,
    jobs,
    clock,
    options: { publicUrl, timeZone },
  });
  const push = createPushService({ notifications: api, users, jobs, summaries, clock, channels });
  const events = live.events.scope();
  createNotificationNamespace(live.realtime, events);
  return {
    name: 'notifications',
    listens: events,
    live: { events: [LIVE_NOTIFICATION] },
    routes: [{ prefix: '/api/v1/notifications', routes: createNotificationsRoutes(api, broadcasts) }],
    jobs: createNotificationsJobs(push, broadcasts, summaries),
  };
}
