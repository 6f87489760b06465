import type { Clock } from '#kernel/clock.ts';
import type { EventBus } from '#kernel/events.ts';
import type { Component } from '#kernel/lifecycle.ts';
import type { Logger } from '#kernel/logger.ts';
import { createNotificationsCore, NOTIFICATIONS_METHODS, type NotificationsApi } from '#modules/notifications/index.ts';
import type { DocumentStore } from '#platform/documents/documents.port.ts';
import { consumeEvents, publishEvents } from '#platform/streams/stream-events.ts';
import type { EventStreams } from '#platform/streams/streams.port.ts';
import { createDataLock } from '../data-lock.ts';
import { recordRetentionMs, type Settings } from '../settings.ts';
import { createStores } from './stores.ts';

/** How the notifications' core is called, and what it is told and tells, when it is in a process of its own. */
export const NOTIFICATIONS_PROCESS = {
  name: 'notifications',
  methods: NOTIFICATIONS_METHODS,
  toldBy: { stream: 'notifications.in', group: 'notifications', types: ['user.access_changed'] },
  tells: { stream: 'notifications.out', group: 'core', types: ['notification.delivered'] },
} as const;

export interface NotificationsApiOptions {
  readonly settings: Settings;
  readonly documents: DocumentStore;
  readonly events: EventBus;
  readonly streams: EventStreams | null;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The notifications' core: in this process, or in the one at NOTIFICATIONS_URL. */
export async function createNotificationsApi(options: NotificationsApiOptions): Promise<NotificationsApi> {
  const { settings, documents, events, streams, clock, logger } = options;
  const { NOTIFICATIONS_URL: url, INTERNAL_SECRET: secret } = settings;
  if (url === null || secret === null || streams === null) {
    return createNotificationsCore({ documents, events, clock, retentionMs: recordRetentionMs(settings) });
  }
  const { createRemoteClient } = await import('#platform/remote/remote-client.ts');
  const { name, methods, toldBy, tells } = NOTIFICATIONS_PROCESS;
  publishEvents({ events, streams }, toldBy.stream, toldBy.types);
  consumeEvents({ events, streams }, tells, tells.types);
  return createRemoteClient<NotificationsApi>({ name, methods, url, secret, logger });
}

/** What a process needs that is one module alone: documents of its own, and streams. */
export interface ModuleInfrastructure {
  readonly documents: DocumentStore;
  readonly streams: EventStreams;
  readonly checks: Readonly<Record<string, () => Promise<void>>>;
  /** In start order; the consumers of `streams` come last. */
  readonly components: readonly Component[];
}

/** @param redisUrl where the streams are */
export async function createModuleInfrastructure(
  settings: Settings,
  redisUrl: string,
  clock: Clock,
  logger: Logger,
): Promise<ModuleInfrastructure> {
  const { createRedisConnection } = await import('#platform/redis/redis-connection.ts');
  const { createRedisStreams } = await import('#platform/streams/redis/redis-streams.ts');
  const { documents, telemetry, components } = await createStores(settings, clock, logger);
  const connection = createRedisConnection({ url: redisUrl, logger });
  const streams = createRedisStreams({ connection, logger, consumer: settings.INSTANCE_ID });
  return {
    documents,
    streams,
    checks: { documents: () => documents.ping(), redis: () => connection.ping() },
    components: [
      ...(settings.DOCUMENTS_URL === null ? [createDataLock(settings.DATA_DIR)] : []),
      ...components.filter((component) => component !== telemetry),
      connection,
      streams,
    ],
  };
}
