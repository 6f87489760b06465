import { databaseAt, dropDatabase } from '#test/support/servers/mariadb.ts';
import { describeWithServer } from '#test/support/servers.ts';
import { sqlStoreContract } from '../sql.contract.ts';
import { createMariadbStore } from './mariadb.store.ts';

await describeWithServer('mariadb', (server) => {
  sqlStoreContract('MariaDB', async () => {
    const url = databaseAt(server.url);
    return { create: (migrations) => createMariadbStore({ url, migrations }), dispose: () => dropDatabase(url) };
  });
});
