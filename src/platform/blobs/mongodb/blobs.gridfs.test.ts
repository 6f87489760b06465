import { silentLogger } from '#kernel/logger.ts';
import { createMongodbConnection } from '#platform/mongodb/mongodb-connection.ts';
import { databaseIn, dropMongoDatabase } from '#test/support/servers/mongodb.ts';
import { describeWithServer } from '#test/support/servers.ts';
import { blobsContract } from '../blobs.contract.ts';
import { createGridfsBlobStore } from './blobs.gridfs.ts';

await describeWithServer('mongodb', (server) => {
  blobsContract('GridFS', async () => {
    const url = databaseIn(server.url);
    const connection = createMongodbConnection({ url, logger: silentLogger });
    await connection.start?.(AbortSignal.timeout(10_000));
    return {
      create: async () => createGridfsBlobStore({ connection }),
      async close() {
        await connection.stop?.(AbortSignal.timeout(10_000));
        await dropMongoDatabase(url);
      },
    };
  });
});
