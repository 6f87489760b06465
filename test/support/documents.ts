import { join } from 'node:path';
import type { Clock } from '#kernel/clock.ts';
import { silentLogger } from '#kernel/logger.ts';
import type { DocumentStore } from '#platform/documents/documents.port.ts';
import { createMongodbDocumentStore } from '#platform/documents/mongodb/documents.mongodb.ts';
import { createSqliteDocumentStore, DOCUMENT_PROCEDURES } from '#platform/documents/sqlite/documents.sqlite.ts';
import { createMongodbConnection } from '#platform/mongodb/mongodb-connection.ts';
import { createSqliteThread } from '#platform/sqlite/sqlite-thread.ts';
import { temporaryFolder } from './folders.ts';
import { databaseIn, dropMongoDatabase } from './servers/mongodb.ts';

/** A document store of a test's own. Collections are declared before `start`; `stop` removes all that is in it. */
export interface TestDocuments {
  readonly store: DocumentStore;
  start(): Promise<void>;
  stop(): Promise<void>;
}

const signal = () => AbortSignal.timeout(10_000);

export function createSqliteTestDocuments(clock: Clock): TestDocuments {
  const folder = temporaryFolder();
  const options = { file: join(folder.path, 'documents.db'), procedures: [DOCUMENT_PROCEDURES], logger: silentLogger };
  const writer = createSqliteThread({ name: 'writer', mode: 'write', ...options });
  const reader = createSqliteThread({ name: 'reader', mode: 'read', ...options });
  const store = createSqliteDocumentStore({ writer, reader, clock, logger: silentLogger });
  const parts = [writer, reader, store];
  return {
    store,
    async start() {
      for (const part of parts) await part.start?.(signal());
    },
    async stop() {
      for (const part of parts.toReversed()) await part.stop?.(signal());
      folder.remove();
    },
  };
}

/** @param server address of a MongoDB, in which a database is made */
export function createMongodbTestDocuments(server: string, clock: Clock): TestDocuments {
  const url = databaseIn(server);
  const connection = createMongodbConnection({ url, logger: silentLogger });
  const store = createMongodbDocumentStore({ connection, clock });
  return {
    store,
    async start() {
      await connection.start?.(signal());
      await store.start?.(signal());
    },
    async stop() {
      await connection.stop?.(signal());
      await dropMongoDatabase(url);
    },
  };
}
