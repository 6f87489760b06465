import { temporaryFolder } from '../support/folders.ts';
import { mainPathScenario } from './main-path.scenario.ts';

mainPathScenario('embedded', async () => {
  const folder = temporaryFolder();
  return { settings: { DATA_DIR: folder.path }, close: folder.remove };
});
