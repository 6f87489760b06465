import { join } from 'node:path';
import type { Clock } from '#kernel/clock.ts';
import type { Component } from '#kernel/lifecycle.ts';
import type { Logger } from '#kernel/logger.ts';
import type { BlobStore } from '#platform/blobs/blobs.port.ts';
import type { DocumentStore } from '#platform/documents/documents.port.ts';
import type { TelemetryStore } from '#platform/telemetry/telemetry.port.ts';
import type { Settings } from '../settings.ts';

export interface Stores {
  readonly documents: DocumentStore;
  readonly telemetry: TelemetryStore;
  readonly blobs: BlobStore;
  /** In start order. */
  readonly components: readonly Component[];
}

/** Documents, telemetry and files: MongoDB, or one SQLite file in DATA_DIR on two threads, and a folder beside it. */
export async function createStores(settings: Settings, clock: Clock, logger: Logger): Promise<Stores> {
  return settings.DOCUMENTS_URL === null
    ? await sqliteStores(settings, clock, logger)
    : await mongodbStores(settings.DOCUMENTS_URL, clock, logger);
}

async function mongodbStores(url: string, clock: Clock, logger: Logger): Promise<Stores> {
  const { createMongodbConnection } = await import('#platform/mongodb/mongodb-connection.ts');
  const { createMongodbDocumentStore } = await import('#platform/documents/mongodb/documents.mongodb.ts');
  const { createMongodbTelemetryStore } = await import('#platform/telemetry/mongodb/telemetry.mongodb.ts');
  const connection = createMongodbConnection({ url, logger });
  const documents = createMongodbDocumentStore({ connection, clock });
  const telemetry = createMongodbTelemetryStore({ connection, clock, logger });
  const { createGridfsBlobStore } = await import('#platform/blobs/mongodb/blobs.gridfs.ts');
  const blobs = createGridfsBlobStore({ connection });
  return { documents, telemetry, blobs, components: [connection, documents, telemetry, blobs] };
}

async function sqliteStores(settings: Settings, clock: Clock, logger: Logger): Promise<Stores> {
  const { createSqliteThread } = await import('#platform/sqlite/sqlite-thread.ts');
  const { createSqliteDocumentStore, DOCUMENT_PROCEDURES } = await import(
    '#platform/documents/sqlite/documents.sqlite.ts'
  );
  const { createSqliteTelemetryStore, TELEMETRY_PROCEDURES } = await import(
    '#platform/telemetry/sqlite/telemetry.sqlite.ts'
  );
  const file = {
    file: join(settings.DATA_DIR, 'telemetry.db'),
    procedures: [TELEMETRY_PROCEDURES, DOCUMENT_PROCEDURES],
    logger,
  };
  const writer = createSqliteThread({ name: 'store-writer', mode: 'write', ...file });
  const reader = createSqliteThread({ name: 'store-reader', mode: 'read', isLazy: true, ...file });
  const documents = createSqliteDocumentStore({ writer, reader, clock, logger });
  const telemetry = createSqliteTelemetryStore({ writer, reader });
  const { createFileBlobStore } = await import('#platform/blobs/files/blobs.files.ts');
  const blobs = createFileBlobStore({ folder: join(settings.DATA_DIR, 'blobs') });
  return { documents, telemetry, blobs, components: [writer, reader, documents, blobs] };
}
