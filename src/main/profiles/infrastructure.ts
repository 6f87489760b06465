import type { Clock } from '#kernel/clock.ts';
import type { EventBus } from '#kernel/events.ts';
import type { Component } from '#kernel/lifecycle.ts';
import type { Logger } from '#kernel/logger.ts';
import type { BlobStore } from '#platform/blobs/blobs.port.ts';
import type { CounterStore } from '#platform/cache/cache.port.ts';
import type { Channel } from '#platform/channels/channel.port.ts';
import type { DocumentStore } from '#platform/documents/documents.port.ts';
import type { FanOut } from '#platform/realtime/socketio/fan-out.ts';
import type { EventRelay } from '#platform/relay/relay.port.ts';
import type { MigrationSet, SqlStore } from '#platform/sql/sql.port.ts';
import type { EventStreams } from '#platform/streams/streams.port.ts';
import type { TelemetryStore } from '#platform/telemetry/telemetry.port.ts';
import { createDataLock } from '../data-lock.ts';
import type { Settings } from '../settings.ts';
import { type BrokerProfile, createBrokerProfile } from './broker.ts';
import { createRelationalStore } from './relational.ts';
import { createSharedState, type SharedState } from './shared-state.ts';
import { createStores } from './stores.ts';

/** The ports with the adapters that the settings picked, part by part. Nothing else knows which they are. */
export interface Infrastructure {
  readonly sql: SqlStore;
  readonly documents: DocumentStore;
  readonly telemetry: TelemetryStore;
  readonly blobs: BlobStore;
  /** Part of the system → what it runs on, for people. */
  readonly adapters: Readonly<Record<string, string>>;
  /** Refuses while the shared store is away. */
  readonly counters: CounterStore;
  /** Goes on by itself while the shared store is away. */
  readonly rateLimitCounters: CounterStore;
  readonly relay: EventRelay;
  /** Beyond the stores, by name, for the readiness probe. */
  readonly checks: Readonly<Record<string, () => Promise<void>>>;
  /** In start order. The document store's collections are declared before. */
  readonly components: readonly Component[];
  readonly fanOut: FanOut | null;
  readonly streams: EventStreams | null;
  createJobs: SharedState['createJobs'];
  readonly broker: BrokerProfile;
}

/** Drivers are imported by the part that needs them: an embedded start loads no client of a server. */
export async function createInfrastructure(
  settings: Settings,
  parts: { readonly migrations: MigrationSet; readonly channels: readonly Channel[] },
  { events, clock, logger }: { readonly events: EventBus; readonly clock: Clock; readonly logger: Logger },
): Promise<Infrastructure> {
  const { migrations, channels } = parts;
  // Their commits are few, and may wait for each other.
  const small = await createSmallFiles(settings, logger);
  const sql = await createRelationalStore(settings, migrations, logger, small);
  const stores = await createStores(settings, clock, logger);
  const shared = await createSharedState(settings, clock, logger, small);
  const broker = await createBrokerProfile(settings, channels, shared.leases, { events, clock, logger });
  const ownsFiles = settings.DATABASE_URL === null || settings.DOCUMENTS_URL === null;

  return {
    sql,
    documents: stores.documents,
    telemetry: stores.telemetry,
    blobs: stores.blobs,
    adapters: adaptersOf(settings),
    counters: shared.counters,
    rateLimitCounters: shared.rateLimitCounters,
    relay: shared.relay,
    checks: shared.checks,
    components: [
      ...(ownsFiles ? [createDataLock(settings.DATA_DIR)] : []),
      sql,
      ...stores.components,
      ...shared.components,
      ...broker.components,
    ],
    fanOut: shared.fanOut,
    streams: shared.streams,
    createJobs: shared.createJobs,
    broker,
  };
}

/** The thread that `core.db` and `jobs.db` are written on, whichever of them there is. */
async function createSmallFiles({ DATABASE_URL, REDIS_URL }: Settings, logger: Logger) {
  if (DATABASE_URL !== null && REDIS_URL !== null) return undefined;
  const { createSqliteHost } = await import('#platform/sqlite/sqlite-host.ts');
  return createSqliteHost('core-writer', logger);
}

function adaptersOf({
  DATABASE_URL,
  DOCUMENTS_URL,
  REDIS_URL,
  MQTT_URL,
  SMTP_URL,
}: Settings): Infrastructure['adapters'] {
  const documents = DOCUMENTS_URL === null ? 'SQLite' : 'MongoDB';
  return {
    relational: DATABASE_URL === null ? 'SQLite' : 'MariaDB',
    documents,
    telemetry: documents,
    shared_state: REDIS_URL === null ? 'in the process' : 'Redis',
    jobs: REDIS_URL === null ? 'SQLite' : 'BullMQ on Redis',
    mail: SMTP_URL === null ? 'none' : 'SMTP',
    mqtt: MQTT_URL === null ? 'Aedes in the process' : 'Mosquitto',
  };
}
