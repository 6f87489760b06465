import { temporaryFolder } from '../support/folders.ts';
import { missingPrograms } from '../support/servers/private-process.ts';
import { leaveOut } from '../support/servers.ts';
import { mainPathScenario } from './main-path.scenario.ts';

const missing = await missingPrograms(['mosquitto_pub']);

if (missing.length > 0) {
  leaveOut('main path', missing, `${missing.join(', ')} not here: npm run services:install`);
} else {
  mainPathScenario('embedded', async () => {
    const folder = temporaryFolder();
    return { settings: { DATA_DIR: folder.path }, close: folder.remove };
  });
}
