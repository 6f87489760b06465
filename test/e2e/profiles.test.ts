import { randomBytes } from 'node:crypto';
import { temporaryFolder } from '../support/folders.ts';
import type { ServerSettings } from '../support/server-process.ts';
import { devicePortOf } from '../support/servers/mosquitto.ts';
import { describeWithServers, type ServerName, type TestServer } from '../support/servers.ts';
import { mainPathScenario } from './main-path.scenario.ts';

/** A database of the test's own on a server that others may use too. */
function ownDatabase(url: string): string {
  const address = new URL(url);
  address.pathname = `/core_api_${randomBytes(6).toString('hex')}`;
  return address.href;
}

/** A browser is no part of it. */
type PartServer = Exclude<ServerName, 'chromium'>;

const SETTING_OF: Readonly<Record<PartServer, (server: TestServer) => ServerSettings>> = {
  mariadb: ({ url }) => ({ DATABASE_URL: ownDatabase(url) }),
  mongodb: ({ url }) => ({ DOCUMENTS_URL: ownDatabase(url) }),
  redis: ({ url }) => ({ REDIS_URL: url }),
  mosquitto: ({ url }) => ({ MQTT_URL: url, MQTT_PUBLIC_URL: `mqtt://127.0.0.1:${devicePortOf(url)}` }),
};

/** The same scenario as in main-path.test.ts, with each of these parts outside the process. */
const PROFILES: readonly (readonly PartServer[])[] = [
  ['mariadb', 'redis'],
  ['mongodb'],
  ['mosquitto'],
  ['mariadb', 'mongodb', 'redis', 'mosquitto'],
];

for (const parts of PROFILES) {
  await describeWithServers(parts, (servers) => {
    mainPathScenario(parts.join(' + '), async () => {
      const folder = temporaryFolder();
      const external = Object.assign({}, ...parts.map((part) => SETTING_OF[part](servers[part]))) as ServerSettings;
      return { settings: { DATA_DIR: folder.path, ...external }, close: folder.remove };
    });
  });
}
