import { join } from 'node:path';
import type { Clock } from '#kernel/clock.ts';
import { silentLogger } from '#kernel/logger.ts';
import type { DocumentStore } from '#platform/documents/documents.port.ts';
import { createSqliteDocumentStore, DOCUMENT_PROCEDURES } from '#platform/documents/sqlite/documents.sqlite.ts';
import { createSqliteThread } from '#platform/sqlite/sqlite-thread.ts';
import { createSqliteTelemetryStore, TELEMETRY_PROCEDURES } from '#platform/telemetry/sqlite/telemetry.sqlite.ts';
import type { TelemetryStore } from '#platform/telemetry/telemetry.port.ts';
import { temporaryFolder } from './folders.ts';

/** Documents and telemetry as they run by default, in a folder of their own. */
export interface TestStores {
  readonly telemetry: TelemetryStore;
  readonly documents: DocumentStore;
  /** After the collections were declared. */
  start(): Promise<void>;
  close(): Promise<void>;
}

export function createTestStores(clock: Clock): TestStores {
  const folder = temporaryFolder();
  const file = {
    file: join(folder.path, 'telemetry.db'),
    procedures: [TELEMETRY_PROCEDURES, DOCUMENT_PROCEDURES],
    logger: silentLogger,
  };
  const writer = createSqliteThread({ name: 'writer', mode: 'write', ...file });
  const reader = createSqliteThread({ name: 'reader', mode: 'read', ...file });
  const documents = createSqliteDocumentStore({ writer, reader, clock, logger: silentLogger });
  const telemetry = createSqliteTelemetryStore({ writer, reader });
  const parts = [writer, reader, documents];
  const signal = AbortSignal.timeout(60_000);
  return {
    telemetry,
    documents,
    async start() {
      for (const part of parts) await part.start?.(signal);
    },
    async close() {
      for (const part of parts.toReversed()) await part.stop?.(signal);
      folder.remove();
    },
  };
}
