import type { Clock } from '#kernel/clock.ts';
import type { Logger } from '#kernel/logger.ts';
import type { SqliteThread } from '#platform/sqlite/sqlite-thread.ts';
import type { CollectionDefinition, DocumentCollection, DocumentStore, StoredDocument } from '../documents.port.ts';

export const DOCUMENT_PROCEDURES = new URL('./documents.procedures.ts', import.meta.url);

const EXPIRY_INTERVAL_MS = 10 * 60_000;

export interface SqliteDocumentStoreOptions {
  readonly writer: SqliteThread;
  readonly reader: SqliteThread;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The document store on SQLite. Starts after its threads; expired documents are removed every ten minutes. */
export function createSqliteDocumentStore({
  writer,
  reader,
  clock,
  logger,
}: SqliteDocumentStoreOptions): DocumentStore {
  const definitions: CollectionDefinition[] = [];
  let timer: NodeJS.Timeout | undefined;

  async function removeExpired(): Promise<void> {
    for (const { name, expiry } of definitions) {
      if (expiry === undefined) continue;
      const query = { range: { field: expiry.field, to: clock.now() - expiry.afterMs } };
      await writer.call('documents.removeMany', { collection: name, query });
    }
  }

  return {
    name: 'documents',
    async start() {
      for (const definition of definitions) await writer.call('documents.define', definition);
      await removeExpired();
      timer = setInterval(() => {
        removeExpired().catch((error: unknown) => logger.warn({ err: error }, 'removing expired documents failed'));
      }, EXPIRY_INTERVAL_MS);
      timer.unref();
    },
    async stop() {
      clearInterval(timer);
    },
    collection<T extends StoredDocument>(definition: CollectionDefinition): DocumentCollection<T> {
      definitions.push(definition);
      const collection = definition.name;
      return {
        name: collection,
        insertMany: (documents) => writer.call('documents.insertMany', { collection, documents }),
        findById: (id) => reader.call<T | null>('documents.findById', { collection, id }),
        list: (query) => reader.call<T[]>('documents.list', { collection, query }),
        scan: (after, limit) => reader.call<T[]>('documents.scan', { collection, after, limit }),
        count: (query) => reader.call<number>('documents.count', { collection, query }),
        updateMany: (query, changes) => writer.call('documents.updateMany', { collection, query, changes }),
        removeMany: (query) => writer.call('documents.removeMany', { collection, query }),
      };
    },
    definitions: () => definitions,
    async ping() {
      writer.assertUsable();
      await reader.ping();
    },
  };
}
