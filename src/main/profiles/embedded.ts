import { join } from 'node:path';
import type { Clock } from '#kernel/clock.ts';
import type { Logger } from '#kernel/logger.ts';
import { createMemoryCounters } from '#platform/cache/memory-counters.ts';
import { createSqliteDocumentStore, DOCUMENT_PROCEDURES } from '#platform/documents/sqlite/documents.sqlite.ts';
import { createAedesBroker } from '#platform/mqtt/aedes/aedes.ts';
import type { MigrationSet } from '#platform/sql/sql.port.ts';
import { createSqliteStore } from '#platform/sql/sqlite.ts';
import { createSqliteThread } from '#platform/sqlite/sqlite-thread.ts';
import { createSqliteTelemetryStore, TELEMETRY_PROCEDURES } from '#platform/telemetry/sqlite/telemetry.sqlite.ts';
import { createDataLock } from '../data-lock.ts';
import type { Settings } from '../settings.ts';
import type { Infrastructure } from './infrastructure.ts';

/** Path of the relational file; also opened by commands that run beside the server. */
export function relationalFile(settings: Pick<Settings, 'DATA_DIR'>): string {
  return join(settings.DATA_DIR, 'core.db');
}

/** Everything inside this process, everything stored in DATA_DIR. */
export function createEmbeddedInfrastructure(
  settings: Settings,
  migrations: MigrationSet,
  clock: Clock,
  logger: Logger,
): Infrastructure {
  const sql = createSqliteStore({ file: relationalFile(settings), migrations });
  const store = {
    file: join(settings.DATA_DIR, 'telemetry.db'),
    procedures: [TELEMETRY_PROCEDURES, DOCUMENT_PROCEDURES],
    logger,
  };
  const writer = createSqliteThread({ name: 'store-writer', mode: 'write', ...store });
  const reader = createSqliteThread({ name: 'store-reader', mode: 'read', ...store });
  const documents = createSqliteDocumentStore({ writer, reader, clock, logger });

  return {
    sql,
    documents,
    telemetry: createSqliteTelemetryStore({ writer, reader }),
    counters: createMemoryCounters({ clock }),
    components: [createDataLock(settings.DATA_DIR), sql, writer, reader, documents],
    sessionsSurviveRestart: false,
    createBroker: (handler, maxPayloadBytes) =>
      createAedesBroker({
        host: settings.MQTT_HOST,
        port: settings.MQTT_PORT,
        wsPort: settings.MQTT_WS_PORT,
        tls: tlsOf(settings),
        handler,
        logger: logger.child({ component: 'mqtt' }),
        limits: { maxPayloadBytes },
      }),
  };
}

function tlsOf(settings: Settings) {
  const { MQTT_TLS_PORT: port, MQTT_TLS_CERT_FILE: certFile, MQTT_TLS_KEY_FILE: keyFile } = settings;
  return port === null || certFile === null || keyFile === null ? null : { port, certFile, keyFile };
}
