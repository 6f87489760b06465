import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { missingPrograms } from '../support/servers/private-process.ts';
import { leaveOut } from '../support/servers.ts';
import { deviceScenario } from './device.scenario.ts';

const SCRIPT = join(import.meta.dirname, '../../examples/shell/device.sh');

const missing = await missingPrograms(['curl', 'mosquitto_sub']);

if (missing.length > 0) {
  leaveOut('examples/shell', missing, `${missing.join(', ')} not here: npm run services:install`);
} else {
  deviceScenario('examples/shell', {
    command: [SCRIPT],
    waiting(store) {
      const file = join(store, 'waiting');
      return existsSync(file) ? readFileSync(file, 'utf8').split('\n').length - 1 : 0;
    },
  });
}
