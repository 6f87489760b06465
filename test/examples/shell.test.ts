import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '../support/servers/private-process.ts';
import { leaveOut } from '../support/servers.ts';
import { deviceScenario } from './device.scenario.ts';

const SCRIPT = join(import.meta.dirname, '../../examples/shell/device.sh');

const missing: string[] = [];
for (const program of ['curl', 'mosquitto_sub']) if ((await findProgram(program)) === null) missing.push(program);

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
