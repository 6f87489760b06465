import { join } from 'node:path';
import { systemClock } from '#kernel/clock.ts';
import { silentLogger } from '#kernel/logger.ts';
import { createSqliteThread } from '#platform/sqlite/sqlite-thread.ts';
import { temporaryFolder } from '#test/support/folders.ts';
import { documentsContract } from '../documents.contract.ts';
import { createSqliteDocumentStore, DOCUMENT_PROCEDURES } from './documents.sqlite.ts';

documentsContract('sqlite', async () => {
  const folder = temporaryFolder();
  const options = { file: join(folder.path, 'documents.db'), procedures: [DOCUMENT_PROCEDURES], logger: silentLogger };
  const writer = createSqliteThread({ name: 'writer', mode: 'write', ...options });
  const reader = createSqliteThread({ name: 'reader', mode: 'read', ...options });
  await writer.start?.(AbortSignal.timeout(60_000));
  await reader.start?.(AbortSignal.timeout(60_000));
  return {
    create: async (now) =>
      createSqliteDocumentStore({ writer, reader, clock: { ...systemClock, now }, logger: silentLogger }),
    async close() {
      await writer.stop?.(AbortSignal.timeout(60_000));
      await reader.stop?.(AbortSignal.timeout(60_000));
      folder.remove();
    },
  };
});
