import { randomBytes } from 'node:crypto';
import { temporaryFolder } from '../support/folders.ts';
import { devicePortOf } from '../support/servers/mosquitto.ts';
import { describeWithServers } from '../support/servers.ts';
import { commandsScenario } from './commands.scenario.ts';

commandsScenario('in one process', async () => {
  const folder = temporaryFolder();
  return { settings: { DATA_DIR: folder.path }, processes: 1, brokers: 'embedded', close: folder.remove };
});

await describeWithServers(['mariadb', 'mongodb', 'redis', 'mosquitto'], ({ mariadb, mongodb, redis, mosquitto }) => {
  for (const brokers of ['embedded', 'external'] as const) {
    commandsScenario(`in two processes, brokers ${brokers}`, async () => {
      const folder = temporaryFolder();
      const database = `core_api_${randomBytes(6).toString('hex')}`;
      const at = (url: string) => {
        const address = new URL(url);
        address.pathname = `/${database}`;
        return address.href;
      };
      const settings = {
        // The signing keys, which the processes share.
        DATA_DIR: folder.path,
        DATABASE_URL: at(mariadb.url),
        DOCUMENTS_URL: at(mongodb.url),
        REDIS_URL: redis.url,
        ...(brokers === 'embedded'
          ? {}
          : { MQTT_URL: mosquitto.url, MQTT_PUBLIC_URL: `mqtt://127.0.0.1:${devicePortOf(mosquitto.url)}` }),
      };
      return { settings, processes: 2, brokers, close: folder.remove };
    });
  }
});
